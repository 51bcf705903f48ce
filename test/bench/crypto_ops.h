/* crypto_ops: what the files of this benchmark share. */
#ifndef BM_CRYPTO_OPS_H
#define BM_CRYPTO_OPS_H

#include <openssl/evp.h>

#include "bench.h"
#include "crypto/crypto.h"

/* One kind of operation by OpenSSL's EVP. */
struct bm_evp {
    EVP_PKEY *key, *peer; /* RSA: also the key that the backends are given */
    EVP_PKEY_CTX *ctx;
    int verb; /* enum sl_op_verb */
    uint8_t hash[32], sig[SL_OP_RSA_MAX_BYTES];
    size_t sig_len;
};
void bm_evp_begin(struct bm_evp *e, enum sl_op_kind kind);
void bm_evp_run(struct bm_evp *e);
void bm_evp_end(struct bm_evp *e);

void bm_ciphers(const struct bm_options *o, double seconds_each);
void bm_hashes(double seconds_each);

#endif
