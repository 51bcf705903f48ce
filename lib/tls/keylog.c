/* A line of SSLKEYLOGFILE: label, client random and secret, in hexadecimal digits. */
#include "tls/keylog.h"

#include <stdio.h>

#include "crypto/crypto.h"

#define LABEL_MAX_BYTES 40
#define SECRET_MAX_BYTES 64

static size_t put_hex(char *out, const uint8_t *bytes, size_t len_bytes)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len_bytes; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    return 2 * len_bytes;
}

void sl_keylog(sl_keylog_fn write, const struct sl_tls_settings *settings, const char *label,
               const uint8_t client_random[static 32], const uint8_t *secret, uint32_t secret_bytes)
{
    char line[LABEL_MAX_BYTES + 1 + 64 + 1 + 2 * SECRET_MAX_BYTES + 2];
    const char *path = settings->conf && settings->conf->keylog.s ? settings->conf->keylog.s : "";
    size_t at;

    assert(strlen(label) <= LABEL_MAX_BYTES && secret_bytes <= SECRET_MAX_BYTES);
    if (!write || *path == '\0')
        return;
    at = (size_t)snprintf(line, sizeof line, "%s ", label);
    at += put_hex(line + at, client_random, 32);
    line[at++] = ' ';
    at += put_hex(line + at, secret, secret_bytes);
    line[at++] = '\n';
    write(path, line, at);
    sl_crypto_wipe(line, sizeof line);
}
