/* The reference: the table of keys written down as a YAML file that is itself a configuration. */
#include "conf/internal.h"

#include <stdio.h>

#define WIDTH 118

struct writer {
    void (*write)(void *ctx, const char *text);
    void *ctx;
};

static void put(struct writer *w, const char *text) { w->write(w->ctx, text); }

static void indent(struct writer *w, unsigned depth)
{
    while (depth-- > 0)
        put(w, "  ");
}

/* Text as comment lines, broken between words. */
static void comment(struct writer *w, unsigned depth, const char *text)
{
    size_t room = WIDTH - 2 * depth - 2;

    while (*text != '\0') {
        size_t len = strlen(text);
        char line[WIDTH + 1];

        if (len > room) {
            len = room;
            while (len > 0 && text[len] != ' ')
                len--;
            if (len == 0)
                len = room;
        }
        snprintf(line, sizeof line, "%.*s", (int)len, text);
        indent(w, depth);
        put(w, "# ");
        put(w, line);
        put(w, "\n");
        text += len;
        text += strspn(text, " ");
    }
}

/* Appends to the text in out. */
static void append(char *out, size_t size_bytes, const char *text)
{
    size_t used = strlen(out);

    snprintf(out + used, size_bytes - used, "%s", text);
}

/* "a size such as 512M (B, K, ...), 64M to 1T" */
static void describe_type(const struct conf_key *key, char *out, size_t size_bytes)
{
    char number[CONF_NUMBER_MAX];

    append(out, size_bytes, key->items_max > 0 ? "list, each " : "");
    append(out, size_bytes, key->type->form);
    for (uint32_t i = 0; key->words != NULL && key->words[i] != NULL; i++) {
        append(out, size_bytes, i == 0 ? ": " : " | ");
        append(out, size_bytes, key->words[i]);
    }
    for (const struct conf_unit *u = key->type->units; u != NULL && u->name != NULL; u++) {
        append(out, size_bytes, u == key->type->units ? " (" : ", ");
        append(out, size_bytes, u->name);
        append(out, size_bytes, u[1].name == NULL ? ")" : "");
    }
    if (!key->type->ranged)
        return;
    append(out, size_bytes, ", ");
    append(out, size_bytes, conf_number_format(key->type, key->min, number));
    append(out, size_bytes, " to ");
    append(out, size_bytes, conf_number_format(key->type, key->max, number));
}

static void describe(struct writer *w, const struct conf_key *key, unsigned depth)
{
    char text[512] = "Type: ";

    if ((key->flags & CONF_INHERITED) != 0)
        return; /* the top says it */
    comment(w, depth, key->help);
    describe_type(key, text, sizeof text);
    append(text, sizeof text, ".");
    comment(w, depth, text);
    text[0] = '\0';
    append(text, sizeof text, "Default: ");
    append(text, sizeof text,
           key->def != NULL                    ? key->def
           : (key->flags & CONF_REQUIRED) != 0 ? "none, the key is needed"
           : (key->flags & CONF_SOME) != 0     ? "the policy's"
                                               : "none");
    append(text, sizeof text, (key->flags & CONF_TLS) != 0 ? ". Only with protocol: tls" : "");
    append(text, sizeof text, ". Reload: ");
    append(text, sizeof text, (key->flags & CONF_RESTART) != 0 ? "no, restart." : "yes.");
    comment(w, depth, text);
}

static void put_section(struct writer *w, const struct conf_section *s, unsigned depth, bool listed);

static void put_key(struct writer *w, const struct conf_key *key, unsigned depth, bool begins_item)
{
    unsigned comments = begins_item ? depth - 1 : depth;

    if (key->type == NULL)
        comment(w, comments, key->help);
    else
        describe(w, key, comments);
    indent(w, comments);
    put(w, (key->flags & CONF_ASIDE) != 0 ? "# " : begins_item ? "- " : "");
    put(w, key->name);
    put(w, ":");
    if (key->type == NULL) {
        put(w, "\n");
        put_section(w, key->section, depth + (key->items_max > 0 ? 2 : 1), key->items_max > 0);
        return;
    }
    put(w, key->items_max > 0 && key->example == NULL ? " [" : " ");
    put(w, key->example != NULL ? key->example : key->def);
    put(w, key->items_max > 0 && key->example == NULL ? "]\n" : "\n");
}

static void put_section(struct writer *w, const struct conf_section *s, unsigned depth, bool listed)
{
    for (const struct conf_key *key = s->keys; key->name != NULL; key++) {
        if (depth == 0 || (key != s->keys && (key->flags & CONF_INHERITED) == 0))
            put(w, "\n");
        put_key(w, key, depth, listed && key == s->keys);
    }
}

void sl_conf_reference(void (*write)(void *ctx, const char *text), void *ctx)
{
    struct writer w = {.write = write, .ctx = ctx};

    comment(
        &w, 0,
        "Every key of Sluice's configuration, with its type, its default, and whether a reload (SIGHUP or "
        "`sluicectl reload`) applies a change of it or a restart is needed. `sluice --reference` writes this file.");
    comment(&w, 0,
            "A list of one may be written as that one value. Relative paths start at the folder of the "
            "configuration. Sizes count in powers of 1024.");
    put_section(&w, &conf_root, 0, false);
}
