/* Secret random bytes: the system's generator, a buffer of this thread in front of it so that a few bytes cost no
 * system call. */
#include <errno.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <sys/random.h>

#include "crypto/crypto.h"

#define BUFFER_BYTES 1024

static _Thread_local struct {
    uint8_t bytes[BUFFER_BYTES];
    size_t left; /* unused bytes, at the end of the buffer */
} buffer;

static void from_system(uint8_t *out, size_t len)
{
    while (len) {
        ssize_t n = getrandom(out, len, 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            abort();
        out += n;
        len -= (size_t)n;
    }
}

void sl_crypto_random(void *out, size_t len_bytes)
{
    uint8_t *to = out;

    if (len_bytes > BUFFER_BYTES / 4) {
        from_system(to, len_bytes);
        return;
    }
    while (len_bytes) {
        size_t n;
        uint8_t *from;

        if (!buffer.left) {
            from_system(buffer.bytes, BUFFER_BYTES);
            buffer.left = BUFFER_BYTES;
        }
        n = SL_MIN(len_bytes, buffer.left);
        from = buffer.bytes + BUFFER_BYTES - buffer.left;
        memcpy(to, from, n);
        sl_crypto_wipe(from, n); /* what was handed out can't be read here afterwards */
        buffer.left -= n;
        to += n;
        len_bytes -= n;
    }
}

int sl_crypto_mbedtls_random(void *ctx, unsigned char *out, size_t len_bytes)
{
    (void)ctx;
    sl_crypto_random(out, len_bytes);
    return 0;
}

/* PSA asks here (MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG), so that there is one generator in the process. */
psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *ctx, uint8_t *out,
                                             size_t room_bytes, size_t *len_bytes)
{
    (void)ctx;
    sl_crypto_random(out, room_bytes);
    *len_bytes = room_bytes;
    return PSA_SUCCESS;
}
