/* The backends of record ciphers: one file each, and aead.c's choice among them. */
#ifndef SL_CRYPTO_AEAD_H
#define SL_CRYPTO_AEAD_H

#include "crypto/crypto.h"

#ifdef SL_HAVE_IPSECMB
extern const struct sl_aead_backend sl_aead_ipsecmb;
#endif
#ifdef SL_HAVE_LIBCRYPTO
extern const struct sl_aead_backend sl_aead_libcrypto;
#endif
extern const struct sl_aead_backend sl_aead_mbedtls;

#endif
