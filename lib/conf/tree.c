/* YAML text → nodes with marks, through libyaml's events. Bounded in bytes and depth; anchors, aliases, tags and second
 * documents are refused, so that a file is as large as it looks. */
#include "conf/internal.h"

#include <stdio.h>
#include <yaml.h>

struct builder {
    struct conf_arena *arena;
    struct sl_conf_errors *errs;
    struct conf_node *root;
    struct conf_node *open[CONF_DEPTH_MAX]; /* lists and maps that have not ended */
    unsigned depth, documents;
    bool stop;
};

static struct sl_mark mark_of(yaml_mark_t m)
{
    return (struct sl_mark){.line = (uint32_t)m.line + 1, .column = (uint32_t)m.column + 1};
}

/* libyaml's reader counts only bytes when it meets one that is not text. */
static struct sl_mark mark_at(const char *text, size_t len_bytes, size_t offset)
{
    struct sl_mark m = {.line = 1, .column = 1};

    for (size_t i = 0; i < SL_MIN(offset, len_bytes); i++) {
        if (text[i] == '\n')
            m = (struct sl_mark){.line = m.line + 1, .column = 1};
        else if (((unsigned char)text[i] & 0xc0) != 0x80) /* a UTF-8 continuation is no column of its own */
            m.column++;
    }
    return m;
}

static void tell_syntax(struct builder *b, const yaml_parser_t *p, const char *text, size_t len_bytes)
{
    const char *problem = p->problem ? p->problem : "not readable";

    if (p->error == YAML_READER_ERROR)
        sl_conf_error(b->errs, mark_at(text, len_bytes, p->problem_offset), "not YAML: %s (byte 0x%02x)", problem,
                      (unsigned)p->problem_value & 0xff);
    else if (p->context != NULL)
        sl_conf_error(b->errs, mark_of(p->problem_mark), "not YAML: %s, %s that begins at line %zu", problem,
                      p->context, p->context_mark.line + 1);
    else
        sl_conf_error(b->errs, mark_of(p->problem_mark), "not YAML: %s", problem);
}

static struct conf_node *add(struct builder *b, enum conf_kind kind, struct sl_mark mark)
{
    struct conf_node *n = conf_arena_alloc(b->arena, sizeof *n);
    struct conf_node *up = b->depth > 0 ? b->open[b->depth - 1] : NULL;

    n->kind = kind;
    n->mark = mark;
    n->text = "";
    if (up == NULL) {
        b->root = n;
        return n;
    }
    if (up->first == NULL)
        up->first = n;
    else
        up->last->next = n;
    up->last = n;
    up->n++;
    return n;
}

static bool has_extras(struct builder *b, struct sl_mark mark, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    char word[CONF_WORD_MAX];

    if (anchor != NULL)
        sl_conf_error(b->errs, mark, "anchor \"&%s\": anchors and aliases are not taken, write the value out",
                      conf_word((const char *)anchor, word));
    else if (tag != NULL)
        sl_conf_error(b->errs, mark, "tag \"%s\": tags are not taken, each key has its type",
                      conf_word((const char *)tag, word));
    return anchor != NULL || tag != NULL;
}

static void open_node(struct builder *b, enum conf_kind kind, const yaml_event_t *ev, const yaml_char_t *anchor,
                      const yaml_char_t *tag)
{
    struct sl_mark mark = mark_of(ev->start_mark);

    (void)has_extras(b, mark, anchor, tag);
    if (b->depth == CONF_DEPTH_MAX) {
        sl_conf_error(b->errs, mark, "more than %u levels deep: a configuration needs no more", CONF_DEPTH_MAX);
        b->stop = true;
        return;
    }
    struct conf_node *n = add(b, kind, mark);
    b->open[b->depth++] = n;
}

/* Nothing written, or one of YAML's words for it. */
static bool is_null(const char *text, yaml_scalar_style_t style)
{
    return style == YAML_PLAIN_SCALAR_STYLE && (*text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

static void add_scalar(struct builder *b, const yaml_event_t *ev)
{
    const char *text = (const char *)ev->data.scalar.value;
    size_t len = ev->data.scalar.length;
    struct conf_node *up = b->depth > 0 ? b->open[b->depth - 1] : NULL;
    struct conf_node *before = up != NULL ? up->last : NULL;
    struct conf_node *n = add(b, CONF_SCALAR, mark_of(ev->start_mark));

    if (has_extras(b, n->mark, ev->data.scalar.anchor, ev->data.scalar.tag))
        n->kind = CONF_BROKEN;
    for (size_t i = 0; i < len && n->kind == CONF_SCALAR; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 0x20 || c == 0x7f) {
            sl_conf_error(b->errs, n->mark, "a value with the control character 0x%02x: none has a use for it", c);
            n->kind = CONF_BROKEN;
        }
    }
    if (n->kind == CONF_BROKEN)
        return;
    n->text = conf_arena_copy(b->arena, text, len);
    n->empty = is_null(text, ev->data.scalar.style);
    if (n->empty && *text == '\0' && before != NULL && up->kind == CONF_MAP && up->n % 2 == 0)
        n->mark = before->mark; /* nothing stands there: its key is the place to look at */
}

static void take(struct builder *b, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (++b->documents > 1) {
            sl_conf_error(b->errs, mark_of(ev->start_mark), "a second document begins: a configuration is one");
            b->stop = true;
        }
        break;
    case YAML_MAPPING_START_EVENT:
        open_node(b, CONF_MAP, ev, ev->data.mapping_start.anchor, ev->data.mapping_start.tag);
        break;
    case YAML_SEQUENCE_START_EVENT:
        open_node(b, CONF_LIST, ev, ev->data.sequence_start.anchor, ev->data.sequence_start.tag);
        break;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        b->depth--;
        break;
    case YAML_SCALAR_EVENT:
        add_scalar(b, ev);
        break;
    case YAML_ALIAS_EVENT: {
        char word[CONF_WORD_MAX];
        struct conf_node *n = add(b, CONF_BROKEN, mark_of(ev->start_mark));

        sl_conf_error(b->errs, n->mark, "alias \"*%s\": anchors and aliases are not taken, write the value out",
                      conf_word((const char *)ev->data.alias.anchor, word));
        break;
    }
    default:
        break;
    }
}

struct conf_node *conf_tree_read(const char *text, size_t len_bytes, struct conf_arena *arena,
                                 struct sl_conf_errors *errs, bool *partial)
{
    struct builder b = {.arena = arena, .errs = errs};
    yaml_parser_t parser;
    bool ended = false;

    *partial = false;
    if (len_bytes > CONF_FILE_MAX_BYTES) {
        sl_conf_error(errs, (struct sl_mark){0}, "larger than %u bytes, which no configuration may be",
                      CONF_FILE_MAX_BYTES);
        return NULL;
    }
    if (!yaml_parser_initialize(&parser)) {
        sl_conf_error(errs, (struct sl_mark){0}, "no memory for the YAML parser");
        return NULL;
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len_bytes);
    while (!ended && !b.stop) {
        yaml_event_t ev;

        if (!yaml_parser_parse(&parser, &ev)) {
            tell_syntax(&b, &parser, text, len_bytes);
            b.stop = true;
            break;
        }
        ended = ev.type == YAML_STREAM_END_EVENT;
        take(&b, &ev);
        yaml_event_delete(&ev);
    }
    yaml_parser_delete(&parser);
    *partial = b.stop;
    if (b.root == NULL && !b.stop)
        sl_conf_error(errs, (struct sl_mark){.line = 1, .column = 1},
                      "the file is empty: conf/minimal.yaml is a start");
    return b.root;
}
