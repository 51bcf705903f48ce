#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "http.h"
#include "options_words.h"

static bool digit(char c) { return c >= '0' && c <= '9'; }

/* Digits from text on; where they end. NULL: none, or too many. */
static const char *digits(const char *text, uint64_t *out)
{
    uint64_t n = 0;

    if (!digit(*text))
        return NULL;
    for (; digit(*text); text++)
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(*text - '0'), &n))
            return NULL;
    *out = n;
    return text;
}

int word_count(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out, struct sl_err *err)
{
    uint64_t n;
    const char *end = digits(text, &n);

    if (!end || *end || n < min || n > max)
        return sl_err_set(err, -EINVAL, "%s %s: it takes a whole number from %" PRIu64 " to %" PRIu64, option, text,
                          min, max);
    *out = n;
    return 0;
}

int word_bytes(const char *option, const char *text, uint64_t min, uint64_t max, uint64_t *out, struct sl_err *err)
{
    static const char units[] = "KMG";
    uint64_t n;
    const char *end = digits(text, &n), *unit = end ? memchr(units, *end & ~0x20, 3) : NULL;

    if (unit) {
        if (__builtin_mul_overflow(n, UINT64_C(1) << 10 * (unit - units + 1), &n))
            n = UINT64_MAX;
        end++;
    }
    if (!end || *end || n < min || n > max)
        return sl_err_set(err, -EINVAL,
                          "%s %s: it takes a number of bytes from %" PRIu64 " to %" PRIu64
                          ", with K, M or G behind it if need be",
                          option, text, min, max);
    *out = n;
    return 0;
}

int word_real(const char *option, const char *text, double min, double max, double *out, struct sl_err *err)
{
    char *end = NULL;
    /* strtod would also take blanks, signs, hexadecimal numbers, infinity. */
    bool plain = digit(*text) && text[strspn(text, "0123456789.eE+-")] == 0;
    double x = plain ? strtod(text, &end) : 0;

    if (!plain || *end || x < min || x > max)
        return sl_err_set(err, -EINVAL, "%s %s: it takes a number from %g to %g", option, text, min, max);
    *out = x;
    return 0;
}

int word_host(const char *option, const char *text, const char **out, struct sl_err *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    size_t len = strspn(text, allowed);

    if (len == 0 || len > HTTP_HOST_MAX_BYTES || text[len])
        return sl_err_set(err, -EINVAL, "%s %.300s: it takes a host's name", option, text);
    *out = text;
    return 0;
}
