/* Host names and the certificates that cover them: a sorted array, found by bisection. */
#include "tls/names.h"

#include <stdlib.h>

#define NAME_MAX_BYTES 253 /* RFC 1035 2.3.4, without the final dot */

static bool name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

bool sl_name_normalize(const char *text, size_t len, char *out, size_t room)
{
    size_t from = 0;

    out[0] = 0;
    if (len && text[len - 1] == '.')
        len--;
    if (!len || len > NAME_MAX_BYTES || len >= room)
        return false;
    if (len > 2 && text[0] == '*' && text[1] == '.')
        from = 1;
    for (size_t i = 0; i < len; i++) {
        char c = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];

        if (i >= from && !name_byte(c)) {
            out[0] = 0;
            return false;
        }
        out[i] = c;
    }
    out[len] = 0;
    return true;
}

bool sl_names_add(struct sl_names *names, const char *text, size_t len, uint32_t index, uint32_t rank)
{
    char buf[NAME_MAX_BYTES + 1];
    char *copy;

    if (!sl_name_normalize(text, len, buf, sizeof buf))
        return true;
    if (names->n == names->room) {
        uint32_t room = names->room ? names->room * 2 : 8;
        struct sl_name *v = realloc(names->v, room * sizeof *v);

        if (!v)
            return false;
        names->v = v;
        names->room = room;
    }
    copy = strdup(buf);
    if (!copy)
        return false;
    names->v[names->n++] = (struct sl_name){.text = copy, .index = index, .rank = rank};
    names->sorted = false;
    return true;
}

static int order(const void *a, const void *b)
{
    const struct sl_name *x = a, *y = b;
    int c = strcmp(x->text, y->text);

    if (c)
        return c;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

void sl_names_sort(struct sl_names *names)
{
    if (names->n)
        qsort(names->v, names->n, sizeof *names->v, order);
    names->sorted = true;
}

/* The run of entries whose text is `host`. */
static const struct sl_name *exact(const struct sl_names *names, const char *host, uint32_t *n)
{
    uint32_t lo = 0, hi = names->n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (strcmp(names->v[mid].text, host) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (*n = 0; lo + *n < names->n && strcmp(names->v[lo + *n].text, host) == 0;)
        ++*n;
    return *n ? &names->v[lo] : NULL;
}

const struct sl_name *sl_names_find(const struct sl_names *names, const char *host, uint32_t *n)
{
    const struct sl_name *found = exact(names, host, n);
    const char *dot = strchr(host, '.');
    char wild[NAME_MAX_BYTES + 3] = "*";

    assert(names->sorted);
    if (found || !dot || dot == host || strlen(dot) > NAME_MAX_BYTES)
        return found;
    memcpy(wild + 1, dot, strlen(dot) + 1);
    return exact(names, wild, n);
}

void sl_names_free(struct sl_names *names)
{
    for (uint32_t i = 0; i < names->n; i++)
        free(names->v[i].text);
    free(names->v);
    *names = (struct sl_names){0};
}
