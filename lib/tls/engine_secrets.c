/* Traffic secrets out of an mbedTLS handshake: RFC 8446 7.1 as exported, RFC 5246 6.3 from the master secret. */
#include "tls/engine_secrets.h"

#include <mbedtls/ssl_ciphersuites.h>

/* What SSLKEYLOGFILE calls them. */
static const char *const labels[] = {
    [MBEDTLS_SSL_KEY_EXPORT_TLS12_MASTER_SECRET] = "CLIENT_RANDOM",
    [MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_EARLY_SECRET] = "CLIENT_EARLY_TRAFFIC_SECRET",
    [MBEDTLS_SSL_KEY_EXPORT_TLS1_3_EARLY_EXPORTER_SECRET] = "EARLY_EXPORTER_SECRET",
    [MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_HANDSHAKE_TRAFFIC_SECRET] = "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    [MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_HANDSHAKE_TRAFFIC_SECRET] = "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    [MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_APPLICATION_TRAFFIC_SECRET] = "CLIENT_TRAFFIC_SECRET_0",
    [MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_APPLICATION_TRAFFIC_SECRET] = "SERVER_TRAFFIC_SECRET_0",
};

static void note(void *ctx, mbedtls_ssl_key_export_type type, const unsigned char *secret, size_t len,
                 const unsigned char client_random[SL_TLS_RANDOM_BYTES],
                 const unsigned char server_random[SL_TLS_RANDOM_BYTES], mbedtls_tls_prf_types prf)
{
    struct sl_engine_secrets *x = ctx;

    if (len > SL_TLS_SECRET_MAX_BYTES)
        return;
    if ((size_t)type < SL_ARRAY_LEN(labels) && labels[type])
        sl_keylog(x->keylog, x->settings, labels[type], client_random, secret, (uint32_t)len);
    if (type == MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_APPLICATION_TRAFFIC_SECRET) {
        memcpy(x->server, secret, len);
    } else if (type == MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_APPLICATION_TRAFFIC_SECRET) {
        memcpy(x->client, secret, len);
    } else if (type == MBEDTLS_SSL_KEY_EXPORT_TLS12_MASTER_SECRET) {
        memcpy(x->client, secret, len);
        memcpy(x->randoms, server_random, SL_TLS_RANDOM_BYTES);
        memcpy(x->randoms + SL_TLS_RANDOM_BYTES, client_random, SL_TLS_RANDOM_BYTES);
        x->prf = prf;
    }
}

void sl_engine_secrets_watch(struct sl_engine_secrets *x, mbedtls_ssl_context *ssl)
{
    mbedtls_ssl_set_export_keys_cb(ssl, note, x);
}

static bool suite_of(const mbedtls_ssl_context *ssl, struct sl_tls_secrets *out)
{
    const mbedtls_ssl_ciphersuite_t *info =
        mbedtls_ssl_ciphersuite_from_id(mbedtls_ssl_get_ciphersuite_id_from_ssl(ssl));

    if (!info)
        return false;
    out->sha384 = info->MBEDTLS_PRIVATE(mac) == MBEDTLS_MD_SHA384;
    return sl_engine_aead((mbedtls_cipher_type_t)info->MBEDTLS_PRIVATE(cipher), &out->aead);
}

static bool split_key_block(const struct sl_engine_secrets *x, enum sl_aead_id aead, struct sl_tls_direction *client,
                            struct sl_tls_direction *server)
{
    uint8_t block[2 * (SL_AEAD_KEY_MAX_BYTES + SL_AEAD_NONCE_BYTES)];
    uint32_t key = sl_aead_key_bytes[aead], iv = aead == SL_AEAD_CHACHA20_POLY1305 ? SL_AEAD_NONCE_BYTES : 4;
    bool good = mbedtls_ssl_tls_prf(x->prf, x->client, SL_TLS_SECRET_MAX_BYTES, "key expansion", x->randoms,
                                    sizeof x->randoms, block, 2 * (key + iv)) == 0;

    if (good) {
        memcpy(client->key, block, key);
        memcpy(server->key, block + key, key);
        memcpy(client->iv, block + 2 * key, iv);
        memcpy(server->iv, block + 2 * key + iv, iv);
    }
    sl_crypto_wipe(block, sizeof block);
    return good;
}

static uint64_t number(const unsigned char *p)
{
    uint64_t n = 0;

    for (int i = 0; i < 8; i++)
        n = n << 8 | p[i];
    return n;
}

static bool fill(const struct sl_engine_secrets *x, const mbedtls_ssl_context *ssl, bool server,
                 struct sl_tls_secrets *out)
{
    struct sl_tls_direction *of_client = server ? &out->rx : &out->tx, *of_server = server ? &out->tx : &out->rx;

    out->v13 = mbedtls_ssl_get_version_number(ssl) == MBEDTLS_SSL_VERSION_TLS1_3;
    out->tx.seq = number(ssl->MBEDTLS_PRIVATE(cur_out_ctr));
    out->rx.seq = number(ssl->MBEDTLS_PRIVATE(in_ctr));
    if (!suite_of(ssl, out) || ssl->MBEDTLS_PRIVATE(in_hslen) < ssl->MBEDTLS_PRIVATE(in_msglen))
        return false;
    if (!out->v13)
        return split_key_block(x, out->aead, of_client, of_server);
    memcpy(of_client->secret, x->client, sizeof x->client);
    memcpy(of_server->secret, x->server, sizeof x->server);
    return true;
}

bool sl_engine_secrets_take(struct sl_engine_secrets *x, const mbedtls_ssl_context *ssl, bool server,
                            struct sl_tls_secrets *out)
{
    bool good;

    *out = (struct sl_tls_secrets){0};
    good = fill(x, ssl, server, out);
    sl_crypto_wipe(x, sizeof *x);
    if (!good)
        sl_crypto_wipe(out, sizeof *out);
    return good;
}
