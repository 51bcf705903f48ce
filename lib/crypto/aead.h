/* The backends of record ciphers: one file each, and aead.c's choice among them. */
#ifndef SL_CRYPTO_AEAD_H
#define SL_CRYPTO_AEAD_H

#include "crypto/crypto.h"

#ifdef SL_HAVE_IPSECMB
extern const struct sl_aead_backend sl_aead_ipsecmb;
/* Whether it is the fastest of all on this processor, for a cipher that it has. */
bool sl_aead_ipsecmb_leads(enum sl_aead_id id);
#endif
#ifdef SL_HAVE_LIBCRYPTO
extern const struct sl_aead_backend sl_aead_libcrypto;
#endif
extern const struct sl_aead_backend sl_aead_mbedtls;

#endif
