/* ClientHello messages from text. */
#include "helpers/hello_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

static void must(bool good)
{
    if (!good)
        abort();
}

static unsigned digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;

    must(at);
    return (unsigned)(at - digits);
}

size_t th_hello_text(const char *text, uint8_t *out, size_t room)
{
    size_t n = 0, depth = 0, from[16];
    int wide[16];

    for (const char *p = text; *p;) {
        if (*p == '(' || *p == '[') {
            must(depth < SL_ARRAY_LEN(from));
            wide[depth] = *p++ == '(' ? 2 : 1;
            n += (size_t)wide[depth];
            from[depth++] = n;
        } else if (*p == ')' || *p == ']') {
            size_t len;

            must(depth > 0);
            len = n - from[--depth];
            must(wide[depth] == (*p++ == ')' ? 2 : 1));
            out[from[depth] - 1] = (uint8_t)len;
            if (wide[depth] == 2)
                out[from[depth] - 2] = (uint8_t)(len >> 8);
        } else if (*p == ' ') {
            p++;
        } else {
            uint8_t byte = (uint8_t)(digit(p[0]) << 4 | digit(p[1]));
            size_t times = 1;

            p += 2;
            if (*p == '*')
                times = strtoul(p + 1, (char **)&p, 10);
            must(n + times < room);
            memset(out + n, byte, times);
            n += times;
        }
    }
    must(depth == 0);
    return n;
}

uint8_t *th_hello_frame(uint8_t type, const uint8_t *body, size_t n, uint32_t *len)
{
    uint8_t *msg = malloc(n + 4);

    msg[0] = type;
    msg[1] = (uint8_t)(n >> 16);
    sl_put_u16(msg + 2, (uint16_t)n);
    memcpy(msg + 4, body, n);
    *len = (uint32_t)n + 4;
    return msg;
}

uint8_t *th_hello(const char *text, uint32_t *len)
{
    uint8_t body[4096];

    return th_hello_frame(1, body, th_hello_text(text, body, sizeof body), len);
}
