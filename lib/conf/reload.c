/* What a reload can't apply: two configurations compared key by key through the table. */
#include "conf/internal.h"

#include <stdio.h>

struct comparison {
    struct sl_conf_errors *errs;
    bool any;
};

static void tell(struct comparison *c, struct sl_mark mark, const char *path)
{
    sl_conf_error(c->errs, mark, "%s: changed, which a reload can't apply: restart Sluice", path);
    c->any = true;
}

/* A value's own mark, or the section's where the value has none (a choice) or is a default. */
static struct sl_mark mark_of(const struct conf_key *key, const char *value, struct sl_mark section)
{
    size_t offset = key->type != NULL ? key->type->mark_offset : key->section->mark_offset;
    struct sl_mark mark;

    if (value == NULL || offset == SIZE_MAX)
        return section;
    memcpy(&mark, value + offset, sizeof mark);
    return mark.line != 0 ? mark : section;
}

struct items {
    const char *first;
    uint32_t n;
    size_t size_bytes;
};

static struct items items_of(const struct conf_key *key, const char *obj)
{
    struct items list = {.first = obj + key->offset, .n = 1};

    list.size_bytes = key->type != NULL ? key->type->size_bytes : key->section->size_bytes;
    if (key->items_max > 0) {
        memcpy(&list.first, obj + key->offset, sizeof list.first);
        memcpy(&list.n, obj + key->count_offset, sizeof list.n);
    }
    return list;
}

static void compare_section(struct comparison *c, const struct conf_section *s, const char *old, const char *fresh,
                            const char *path);

static void compare_key(struct comparison *c, const struct conf_key *key, const char *old, const char *fresh,
                        struct sl_mark section, const char *path)
{
    struct items was = items_of(key, old), is = items_of(key, fresh);
    bool fixed = (key->flags & CONF_RESTART) != 0;

    if (was.n != is.n) {
        if (fixed)
            tell(c, mark_of(key, is.n > 0 ? is.first : NULL, section), path);
        return;
    }
    for (uint32_t i = 0; i < is.n; i++) {
        const char *a = was.first + i * was.size_bytes, *b = is.first + i * is.size_bytes;

        if (key->type == NULL)
            compare_section(c, key->section, a, b, path);
        else if (fixed && !key->type->equal(a, b)) {
            tell(c, mark_of(key, b, section), path);
            return; /* one error for the key, not one for each item */
        }
    }
}

static void compare_section(struct comparison *c, const struct conf_section *s, const char *old, const char *fresh,
                            const char *path)
{
    struct sl_mark mark = {0};

    if (s->mark_offset != SIZE_MAX)
        memcpy(&mark, fresh + s->mark_offset, sizeof mark);
    for (const struct conf_key *key = s->keys; key->name != NULL; key++) {
        char below[CONF_PATH_MAX];

        snprintf(below, sizeof below, "%s%s%s", path, *path != '\0' ? "." : "", key->name);
        compare_key(c, key, old, fresh, mark, below);
    }
}

bool sl_conf_needs_restart(const struct sl_conf *old, const struct sl_conf *fresh, struct sl_conf_errors *errs)
{
    struct comparison c = {.errs = errs};

    if (errs->file[0] == '\0')
        snprintf(errs->file, sizeof errs->file, "%s", fresh->file.s);
    compare_section(&c, &conf_root, (const char *)old, (const char *)fresh, "");
    return c.any;
}
