/* Erasing secrets, and comparing them without telling where they differ. */
#include "crypto/crypto.h"

void sl_crypto_wipe(void *p, size_t len_bytes)
{
    memset(p, 0, len_bytes);
    __asm__ volatile("" : : "r"(p) : "memory"); /* somebody might look: the compiler has to keep the store */
}

bool sl_crypto_equal(const void *a, const void *b, size_t len_bytes)
{
    const uint8_t *x = a, *y = b;
    uint8_t differ = 0;

    for (size_t i = 0; i < len_bytes; i++) {
        differ |= x[i] ^ y[i];
        __asm__ volatile("" : "+r"(differ)); /* no early end */
    }
    return differ == 0;
}
