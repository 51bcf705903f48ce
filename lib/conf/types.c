/* Types of values that are words: text, names, paths, choices, devices, references. */
#include "conf/internal.h"

#include <stdio.h>

static bool take_text(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, const char *text,
                      size_t len, struct sl_conf_text *out)
{
    if (len == 0)
        return conf_refuse(r, key, node, "is empty where %s is wanted", key->type->form);
    if (key->max != 0 && len > key->max)
        return conf_refuse(r, key, node, "is %zu bytes long: at most %u are taken", len, (unsigned)key->max);
    out->s = conf_arena_copy(r->arena, text, len);
    out->mark = node->mark;
    return true;
}

static bool parse_text(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, void *out)
{
    return take_text(r, key, node, node->text, strlen(node->text), out);
}

static bool parse_name(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, void *out)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    if (node->text[strspn(node->text, letters)] != '\0')
        return conf_refuse(r, key, node, "is not %s", key->type->form);
    return parse_text(r, key, node, out);
}

static bool parse_path(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, void *out)
{
    char *path;
    size_t len;

    if (*node->text == '\0' || *node->text == '/')
        return parse_text(r, key, node, out);
    len = strlen(r->folder) + strlen(node->text);
    path = conf_arena_alloc(r->scratch, len + 1);
    snprintf(path, len + 1, "%s%s", r->folder, node->text);
    return take_text(r, key, node, path, len, out);
}

static bool equal_text(const void *a, const void *b)
{
    const struct sl_conf_text *x = a, *y = b;

    return strcmp(x->s, y->s) == 0;
}

/* Refuses a word that is not among key->words, with its hint. */
static bool tell_words(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node,
                       const char *word, const char *what)
{
    struct conf_words w;
    char hint[CONF_HINT_MAX];

    conf_words_begin(&w, word);
    for (uint32_t i = 0; key->words[i] != NULL; i++)
        conf_words_add(&w, key->words[i]);
    return conf_refuse(r, key, node, "%s, %s", what, conf_words_hint(&w, hint));
}

static bool parse_enum(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, void *out)
{
    for (int i = 0; key->words[i] != NULL; i++)
        if (strcmp(node->text, key->words[i]) == 0) {
            memcpy(out, &i, sizeof i);
            return true;
        }
    return tell_words(r, key, node, node->text, "is not a choice");
}

static bool equal_enum(const void *a, const void *b) { return memcmp(a, b, sizeof(int)) == 0; }

/* Two texts side by side: the driver and what it takes. */
static bool parse_device(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, void *out)
{
    const char *colon = strchr(node->text, ':');
    struct sl_conf_text *driver = out, *device = driver + 1;
    size_t len;

    if (colon == NULL)
        return tell_words(r, key, node, node->text, "has no colon: a device is driver:rest");
    len = (size_t)(colon - node->text);
    driver->s = conf_arena_copy(r->arena, node->text, len);
    driver->mark = node->mark;
    for (uint32_t i = 0; key->words[i] != NULL; i++)
        if (strcmp(driver->s, key->words[i]) == 0) {
            if (colon[1] == '\0')
                return conf_refuse(r, key, node, "names no device after \"%s:\"", driver->s);
            *device =
                (struct sl_conf_text){.s = conf_arena_copy(r->arena, colon + 1, strlen(colon + 1)), .mark = node->mark};
            return true;
        }
    return tell_words(r, key, node, driver->s, "begins with no known driver");
}

static bool equal_device(const void *a, const void *b)
{
    const struct sl_conf_text *x = a, *y = b;

    return equal_text(x, y) && equal_text(x + 1, y + 1);
}

static bool parse_ref(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, void *out)
{
    struct conf_pending *p = conf_arena_alloc(r->scratch, sizeof *p);

    p->ref = out;
    *p->ref = (struct sl_conf_ref){.index = UINT32_MAX, .mark = node->mark};
    p->target = key->section;
    p->name = node->text;
    p->path = conf_arena_copy(r->scratch, r->path, strlen(r->path));
    *r->pending_end = p;
    r->pending_end = &p->next;
    return true;
}

static bool equal_ref(const void *a, const void *b)
{
    const struct sl_conf_ref *x = a, *y = b;

    return x->index == y->index;
}

#define TEXT_SIZE .size_bytes = sizeof(struct sl_conf_text), .mark_offset = offsetof(struct sl_conf_text, mark)

const struct conf_type conf_type_text = {.form = "text", TEXT_SIZE, .parse = parse_text, .equal = equal_text};
const struct conf_type conf_type_name = {
    .form = "a name of letters, digits, \".\", \"_\" and \"-\"", TEXT_SIZE, .parse = parse_name, .equal = equal_text};
const struct conf_type conf_type_path = {.form = "a path", TEXT_SIZE, .parse = parse_path, .equal = equal_text};
const struct conf_type conf_type_device = {.form = "a device as driver:rest",
                                           .size_bytes = 2 * sizeof(struct sl_conf_text),
                                           .mark_offset = offsetof(struct sl_conf_text, mark),
                                           .parse = parse_device,
                                           .equal = equal_device};
const struct conf_type conf_type_enum = {
    .form = "a choice", .size_bytes = sizeof(int), .mark_offset = SIZE_MAX, .parse = parse_enum, .equal = equal_enum};
const struct conf_type conf_type_ref = {.form = "a name",
                                        .size_bytes = sizeof(struct sl_conf_ref),
                                        .mark_offset = offsetof(struct sl_conf_ref, mark),
                                        .parse = parse_ref,
                                        .equal = equal_ref};
