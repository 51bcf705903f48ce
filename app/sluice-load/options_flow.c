#include <errno.h>
#include <stdio.h>

#include "options_words.h"

#define BYTES_MAX (UINT64_C(1) << 40)
#define RATE_MAX 1e9
#define REQUESTS_MAX 1000000000
#define CONNECTIONS_MAX (1 << 22)
#define VALUE_MAX_BYTES 32

const char *const flow_key_name[FLOW_KEYS] = {[FLOW_CONNECTIONS] = "connections",
                                              [FLOW_RATE] = "rate",
                                              [FLOW_REQUESTS] = "requests",
                                              [FLOW_GET] = "get",
                                              [FLOW_PUT] = "put"};

bool flow_begin(struct load_flow *f, const char *mode, size_t len)
{
    for (int i = 0; i < LOAD_MODES; i++) {
        const struct load_mode_info *info = &load_modes[i];

        if (strlen(info->name) != len || memcmp(info->name, mode, len) != 0)
            continue;
        *f = (struct load_flow){.mode = (enum load_mode)i,
                                .connections = info->connections,
                                .requests = info->requests,
                                .get_bytes = info->get_bytes,
                                .put_bytes = info->put_bytes};
        return true;
    }
    return false;
}

static int set_count(uint32_t *out, const char *option, const char *text, uint64_t min, uint64_t max,
                     struct sl_err *err)
{
    uint64_t n;
    int rc = word_count(option, text, min, max, &n, err);

    if (rc == 0)
        *out = (uint32_t)n;
    return rc;
}

int flow_set(struct load_flow *f, enum flow_key key, const char *option, const char *text, struct sl_err *err)
{
    switch (key) {
    case FLOW_CONNECTIONS:
        return set_count(&f->connections, option, text, 1, CONNECTIONS_MAX, err);
    case FLOW_RATE:
        return word_real(option, text, 0, RATE_MAX, &f->rate, err);
    case FLOW_REQUESTS: /* a mode whose operation is a connection can't go without an end */
        return set_count(&f->requests, option, text, load_modes[f->mode].requests ? 1 : 0, REQUESTS_MAX, err);
    case FLOW_GET:
        return word_bytes(option, text, 0, BYTES_MAX, &f->get_bytes, err);
    case FLOW_PUT:
        return word_bytes(option, text, 0, BYTES_MAX, &f->put_bytes, err);
    case FLOW_KEYS:
        break;
    }
    return sl_err_set(err, -EINVAL, "%s: no such setting", option);
}

/* KEY=VALUE of len bytes. */
static int set_pair(struct load_flow *f, const char *pair, size_t len, struct sl_err *err)
{
    const char *equals = memchr(pair, '=', len);
    size_t key_len = equals ? (size_t)(equals - pair) : len;
    char option[VALUE_MAX_BYTES], value[VALUE_MAX_BYTES];

    for (int key = 0; equals && key < FLOW_KEYS; key++) {
        if (strlen(flow_key_name[key]) != key_len || memcmp(flow_key_name[key], pair, key_len) != 0)
            continue;
        if (len - key_len > sizeof value)
            break;
        snprintf(option, sizeof option, "--flow %s", flow_key_name[key]);
        snprintf(value, sizeof value, "%.*s", (int)(len - key_len - 1), equals + 1);
        return flow_set(f, (enum flow_key)key, option, value, err);
    }
    return sl_err_set(err, -EINVAL,
                      "--flow %.*s: behind the mode it takes connections=N, rate=R, requests=N, get=BYTES, put=BYTES",
                      (int)SL_MIN(len, 100u), pair);
}

const char *flow_modes(char *out, size_t room)
{
    size_t n = 0;

    for (int i = 0; i < LOAD_MODES && n < room; i++)
        n += (size_t)snprintf(out + n, room - n, "%s%s", i ? ", " : "", load_modes[i].name);
    return out;
}

int flow_parse(struct load_flow *f, const char *text, struct sl_err *err)
{
    size_t len = strcspn(text, ",");
    char modes[128];

    if (!flow_begin(f, text, len))
        return sl_err_set(err, -EINVAL, "--flow %.*s: no such mode; there are %s", (int)SL_MIN(len, 100u), text,
                          flow_modes(modes, sizeof modes));
    for (text += len; *text; text += len) {
        int rc;

        text++;
        len = strcspn(text, ",");
        rc = set_pair(f, text, len, err);
        if (rc != 0)
            return rc;
    }
    return 0;
}
