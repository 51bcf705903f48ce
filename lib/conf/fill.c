/* Walks the nodes with the table of keys and stores values. Goes on after every error, so that all come out in one
 * run. */
#include "conf/internal.h"

#include <stdarg.h>
#include <stdio.h>

static void fill_section(struct conf_reader *r, const struct conf_section *s, const struct conf_node *node, void *obj);

static bool required(const struct conf_reader *r, const struct conf_key *key)
{
    return (key->flags & CONF_REQUIRED) != 0 && !(r->machine && (key->flags & CONF_SERVICE) != 0);
}

static const char *kind_text(const struct conf_node *n)
{
    return n->kind == CONF_MAP ? "a mapping" : n->kind == CONF_LIST ? "a list" : "nothing";
}

/* "listeners." + "address" */
static const char *dotted(const struct conf_reader *r, const char *key, char out[static CONF_PATH_MAX])
{
    char *p = out;

    for (const char *s = r->path; *s != '\0' && p < out + CONF_PATH_MAX - 2; s++)
        *p++ = *s;
    if (p > out)
        *p++ = '.';
    for (; *key != '\0' && p < out + CONF_PATH_MAX - 1; key++)
        *p++ = *key;
    *p = '\0';
    return out;
}

bool conf_refuse(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, const char *fmt, ...)
{
    char path[CONF_PATH_MAX], word[CONF_WORD_MAX], why[sizeof r->errs->e[0].text];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof why, fmt, ap);
    va_end(ap);
    if (node->kind == CONF_SCALAR && !node->empty)
        sl_conf_error(r->errs, node->mark, "%s: \"%s\" %s", dotted(r, key->name, path), conf_word(node->text, word),
                      why);
    else
        sl_conf_error(r->errs, node->mark, "%s: %s %s", dotted(r, key->name, path), kind_text(node), why);
    return false;
}

static bool store_section(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, void *out)
{
    size_t path_len = strlen(r->path);
    char path[CONF_PATH_MAX];

    if (node->kind != CONF_MAP && !node->empty)
        return node->kind != CONF_BROKEN && conf_refuse(r, key, node, "stands where keys with values are wanted");
    memcpy(r->path, dotted(r, key->name, path), CONF_PATH_MAX);
    fill_section(r, key->section, node, out);
    r->path[path_len] = '\0';
    return true;
}

/* One value: all of a key that is no list, an item of one that is. */
static bool store_one(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, void *out)
{
    if (node->kind == CONF_BROKEN)
        return false;
    if (key->type == NULL) {
        memcpy((char *)out + key->section->mark_offset, &node->mark, sizeof node->mark);
        return store_section(r, key, node, out);
    }
    if (node->empty || (node->kind != CONF_SCALAR && !key->type->takes_list))
        return conf_refuse(r, key, node, "stands where %s is wanted", key->type->form);
    return key->type->parse(r, key, node, out);
}

static size_t item_bytes(const struct conf_key *key)
{
    return key->type != NULL ? key->type->size_bytes : key->section->size_bytes;
}

static bool repeats(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, const char *items,
                    uint32_t n)
{
    size_t size = item_bytes(key);

    if ((key->flags & CONF_UNIQUE) == 0)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (key->type->equal(items + i * size, items + n * size)) {
            (void)conf_refuse(r, key, node, "stands twice in the list");
            return true;
        }
    return false;
}

static bool store_list(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, char *obj)
{
    bool alone = node->kind == CONF_SCALAR && key->type != NULL, good = true;
    uint32_t n = 0, n_nodes = alone ? 1 : node->n;
    const struct conf_node *item = alone ? node : node->first;
    char *items;

    if (node->kind == CONF_BROKEN)
        return false;
    if (node->empty && key->type == NULL && !required(r, key))
        return true;
    if (!alone && node->kind != CONF_LIST) {
        if (key->type != NULL)
            return conf_refuse(r, key, node, "stands where %s is wanted, or a list of such", key->type->form);
        return conf_refuse(r, key, node, "stands where a list is wanted: begin each entry with \"- \"");
    }
    if (n_nodes == 0 && (required(r, key) || (key->flags & CONF_SOME) != 0))
        return conf_refuse(r, key, node, "without an entry: at least one is needed");
    if (n_nodes > key->items_max)
        return conf_refuse(r, key, node, "with %u entries: at most %u are taken", n_nodes, key->items_max);
    items = conf_arena_alloc(r->arena, n_nodes * item_bytes(key));
    for (; item != NULL; item = alone ? NULL : item->next) {
        char *out = items + n * item_bytes(key);

        if (store_one(r, key, item, out) && !repeats(r, key, item, items, n))
            n++;
        else {
            memset(out, 0, item_bytes(key));
            good = false;
        }
    }
    memcpy(obj + key->offset, &items, sizeof items);
    memcpy(obj + key->count_offset, &n, sizeof n);
    return good;
}

static void store(struct conf_reader *r, const struct conf_key *key, const struct conf_node *node, char *obj)
{
    bool good = key->items_max > 0 ? store_list(r, key, node, obj) : store_one(r, key, node, obj + key->offset);

    if (!good)
        r->lost_facts |= key->facts;
}

/* A key that was not written: its default, or what is to be said about it. */
static void store_absent(struct conf_reader *r, const struct conf_key *key, const struct conf_node *section, char *obj)
{
    char path[CONF_PATH_MAX];
    struct conf_node nothing = {.kind = CONF_MAP, .mark = section->mark, .text = ""};
    struct conf_node def = {.kind = CONF_SCALAR, .text = key->def};

    if (required(r, key)) {
        r->lost_facts |= key->facts;
        if (!r->partial)
            sl_conf_error(r->errs, section->mark, "missing key \"%s\": %s is needed", dotted(r, key->name, path),
                          key->type != NULL ? key->type->form : "at least one entry");
    } else if (key->def != NULL)
        store(r, key, &def, obj);
    else if (key->type == NULL && key->items_max == 0)
        (void)store_section(r, key, &nothing, obj + key->offset);
}

/* The place of the key in the table; the end of the table where it is not known. */
static uint32_t find(const struct conf_section *s, const char *name)
{
    uint32_t i = 0;

    while (s->keys[i].name != NULL && strcmp(s->keys[i].name, name) != 0)
        i++;
    return i;
}

/* Tells an unknown key. Where another was meant, that one is not missing: its place in *meant. */
static void tell_unknown(struct conf_reader *r, const struct conf_section *s, const struct conf_node *key,
                         struct conf_given *meant)
{
    struct conf_words w;
    char hint[CONF_HINT_MAX];

    conf_words_begin(&w, key->text);
    for (uint32_t i = 0; s->keys[i].name != NULL; i++)
        conf_words_add(&w, s->keys[i].name);
    sl_conf_error(r->errs, key->mark, "unknown key \"%s\"%s%s, %s", w.word, *r->path != '\0' ? " in " : "", r->path,
                  conf_words_hint(&w, hint));
    if (conf_words_near(&w)) {
        uint32_t i = find(s, w.nearest);

        meant->mark[i] = key->mark;
        r->lost_facts |= s->keys[i].facts;
    }
}

static void fill_pair(struct conf_reader *r, const struct conf_section *s, const struct conf_node *key, char *obj,
                      struct conf_given *given, struct conf_given *meant)
{
    const struct conf_node *value = key->next;
    char path[CONF_PATH_MAX];
    uint32_t i;

    if (key->kind == CONF_BROKEN || value == NULL)
        return;
    if (key->kind != CONF_SCALAR) {
        sl_conf_error(r->errs, key->mark, "%s stands where a key is wanted", kind_text(key));
        return;
    }
    i = find(s, key->text);
    if (s->keys[i].name == NULL)
        tell_unknown(r, s, key, meant);
    else if (given->mark[i].line != 0)
        sl_conf_error(r->errs, key->mark, "duplicate key \"%s\": line %u has it already", dotted(r, key->text, path),
                      given->mark[i].line);
    else {
        given->mark[i] = key->mark;
        store(r, &s->keys[i], value, obj);
    }
}

static void fill_section(struct conf_reader *r, const struct conf_section *s, const struct conf_node *node, void *obj)
{
    struct conf_given given = {0}, meant = {0};

    for (const struct conf_node *n = node->first; n != NULL; n = n->next != NULL ? n->next->next : NULL)
        fill_pair(r, s, n, obj, &given, &meant);
    for (uint32_t i = 0; s->keys[i].name != NULL; i++) {
        assert(i < CONF_KEYS_MAX);
        if (given.mark[i].line == 0 && meant.mark[i].line == 0)
            store_absent(r, &s->keys[i], node, obj);
    }
    if (s->check != NULL)
        s->check(r, s, &given, obj);
}

void conf_fill_defaults(struct conf_reader *r, const struct conf_section *s, void *obj)
{
    for (const struct conf_key *key = s->keys; key->name != NULL; key++) {
        struct conf_node def = {.kind = CONF_SCALAR, .text = key->def};

        if (key->def != NULL)
            store(r, key, &def, obj);
    }
}

void conf_fill(struct conf_reader *r, const struct conf_node *root)
{
    if (root->kind == CONF_MAP)
        fill_section(r, &conf_root, root, r->conf);
    else if (root->kind != CONF_BROKEN)
        sl_conf_error(r->errs, root->mark, "keys with values are wanted here, such as \"listeners:\"");
}
