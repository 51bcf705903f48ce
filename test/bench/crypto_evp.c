/* The same key operations by OpenSSL's EVP, as its own TLS uses it. */
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "crypto/op.h"
#include "crypto_ops.h"

static EVP_PKEY *make_key(enum sl_op_kind kind)
{
    switch (sl_op_shape[kind].group) {
    case SL_OP_X25519:
        return EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    case SL_OP_P256:
        return EVP_EC_gen("P-256");
    case SL_OP_P384:
        return EVP_EC_gen("P-384");
    default:
        return EVP_RSA_gen(8 * sl_op_shape[kind].bytes);
    }
}

/* A key of the same kind is made from this one's context. */
static EVP_PKEY_CTX *generator(const struct bm_evp *e, enum sl_op_kind kind)
{
    bool x25519 = sl_op_shape[kind].group == SL_OP_X25519;
    EVP_PKEY_CTX *ctx = x25519 ? EVP_PKEY_CTX_new_id(EVP_PKEY_X25519, NULL) : EVP_PKEY_CTX_new(e->key, NULL);

    bm_must(ctx && EVP_PKEY_keygen_init(ctx) == 1, "EVP's generator");
    return ctx;
}

/* A signature to check, by the same key. */
static void sign_once(struct bm_evp *e, bool rsa)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(e->key, NULL);

    e->sig_len = sizeof e->sig;
    bm_must(ctx && EVP_PKEY_sign_init(ctx) == 1 &&
                (!rsa || (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
                          EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1)) &&
                EVP_PKEY_sign(ctx, e->sig, &e->sig_len, e->hash, sizeof e->hash) == 1,
            "EVP's signature");
    EVP_PKEY_CTX_free(ctx);
}

void bm_evp_begin(struct bm_evp *e, enum sl_op_kind kind)
{
    bool rsa = sl_op_shape[kind].group == SL_OP_RSA, verify;
    int good;

    *e = (struct bm_evp){.key = make_key(kind), .verb = (int)sl_op_shape[kind].verb};
    bm_must(e->key != NULL, "EVP's key");
    if (e->verb == SL_OP_GENERATE) {
        e->ctx = generator(e, kind);
        return;
    }
    e->ctx = EVP_PKEY_CTX_new(e->key, NULL);
    if (e->verb == SL_OP_AGREE) {
        e->peer = make_key(kind);
        bm_must(e->ctx && EVP_PKEY_derive_init(e->ctx) == 1 && EVP_PKEY_derive_set_peer(e->ctx, e->peer) == 1,
                "EVP's agreement");
        return;
    }
    verify = e->verb == SL_OP_VERIFY || e->verb == SL_OP_PUBLIC;
    sign_once(e, rsa);
    good = verify ? EVP_PKEY_verify_init(e->ctx) : EVP_PKEY_sign_init(e->ctx);
    if (good == 1 && rsa)
        good = EVP_PKEY_CTX_set_rsa_padding(e->ctx, RSA_PKCS1_PADDING) == 1 &&
               EVP_PKEY_CTX_set_signature_md(e->ctx, EVP_sha256()) == 1;
    bm_must(good == 1, "EVP's signature");
}

static bool run(struct bm_evp *e)
{
    uint8_t out[SL_OP_RSA_MAX_BYTES];
    size_t len = sizeof out;
    EVP_PKEY *made = NULL;
    bool good;

    switch (e->verb) {
    case SL_OP_GENERATE:
        good = EVP_PKEY_generate(e->ctx, &made) == 1;
        EVP_PKEY_free(made);
        return good;
    case SL_OP_AGREE:
        return EVP_PKEY_derive(e->ctx, out, &len) == 1;
    case SL_OP_SIGN:
    case SL_OP_PRIVATE:
        return EVP_PKEY_sign(e->ctx, out, &len, e->hash, sizeof e->hash) == 1;
    default:
        return EVP_PKEY_verify(e->ctx, e->sig, e->sig_len, e->hash, sizeof e->hash) == 1;
    }
}

void bm_evp_run(struct bm_evp *e) { bm_must(run(e), "EVP fails"); }

void bm_evp_end(struct bm_evp *e)
{
    EVP_PKEY_CTX_free(e->ctx);
    EVP_PKEY_free(e->key);
    EVP_PKEY_free(e->peer);
}
