/* The buffer of an answer. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/internal.h"

#define OUT_MAX (1u << 20)

static bool reserve(struct out *o, size_t more)
{
    size_t room = o->room ? o->room : 4096;
    char *bytes;

    if (o->len + more <= o->room)
        return true;
    while (room < o->len + more)
        room *= 2;
    bytes = room <= OUT_MAX ? realloc(o->bytes, room) : NULL;
    if (!bytes) {
        o->cut = true;
        return false;
    }
    o->bytes = bytes;
    o->room = room;
    return true;
}

void out_put(struct out *o, const char *fmt, ...)
{
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n <= 0 || !reserve(o, (size_t)n + 1))
        return;
    va_start(args, fmt);
    (void)vsnprintf(o->bytes + o->len, (size_t)n + 1, fmt, args);
    va_end(args);
    o->len += (size_t)n;
}

void out_json(struct out *o, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;

    out_put(o, "\"");
    for (; *p; p++) {
        if (*p == '"' || *p == '\\')
            out_put(o, "\\%c", *p);
        else if (*p < 0x20 || *p >= 0x7f)
            out_put(o, "\\u%04x", *p);
        else
            out_put(o, "%c", *p);
    }
    out_put(o, "\"");
}

void out_free(struct out *o)
{
    free(o->bytes);
    *o = (struct out){0};
}
