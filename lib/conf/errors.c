/* The list of errors: sorted by mark as it grows, so that all rooms may add to it in any order. */
#include "conf/conf.h"

#include <stdarg.h>
#include <stdio.h>

static bool before(struct sl_mark a, struct sl_mark b)
{
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

/* An offending word may hold anything, a terminal's escape sequences too. */
static void make_printable(char *s)
{
    for (; *s != '\0'; s++)
        if ((unsigned char)*s < 0x20 || (unsigned char)*s > 0x7e)
            *s = '?';
}

void sl_conf_error(struct sl_conf_errors *errs, struct sl_mark mark, const char *fmt, ...)
{
    struct sl_conf_error *e;
    uint32_t at = errs->n;
    va_list ap;

    while (at > 0 && before(mark, errs->e[at - 1].mark))
        at--;
    if (errs->n == SL_CONF_ERRORS_MAX) {
        errs->lost++;
        if (at == SL_CONF_ERRORS_MAX)
            return;
        errs->n--;
    }
    e = &errs->e[at];
    memmove(e + 1, e, (errs->n - at) * sizeof *e);
    errs->n++;
    e->mark = mark;
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    make_printable(e->text);
}

const char *sl_conf_error_format(const struct sl_conf_errors *errs, uint32_t i, char *out, size_t size_bytes)
{
    const struct sl_conf_error *e = &errs->e[i];

    assert(i < errs->n);
    if (size_bytes == 0)
        return out;
    if (e->mark.line == 0)
        snprintf(out, size_bytes, "%s: %s", errs->file, e->text);
    else
        snprintf(out, size_bytes, "%s:%u:%u: %s", errs->file, e->mark.line, e->mark.column, e->text);
    make_printable(out);
    return out;
}
