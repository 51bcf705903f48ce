/* Policies, and a listener's settings from its policy and the configuration. */
#include "tls/policy.h"

/* clang-format off */
#define SIGNATURES                                                                                                     \
    .n_sig_algs = 8,                                                                                                   \
    .sig_algs = {0x0403 /* ecdsa_secp256r1_sha256 */, 0x0503 /* ecdsa_secp384r1_sha384 */,                             \
                 0x0804, 0x0805, 0x0806 /* rsa_pss_rsae_sha256, 384, 512 */,                                           \
                 0x0401, 0x0501, 0x0601 /* rsa_pkcs1_sha256, 384, 512: TLS 1.2, and certificates in both */}
#define CIPHERS                                                                                                        \
    .n_suites = 3, .suites = {SL_CIPHER_AES_128_GCM, SL_CIPHER_AES_256_GCM, SL_CIPHER_CHACHA20_POLY1305}
#define GROUPS                                                                                                         \
    .n_groups = 3, .groups = {SL_GROUP_X25519, SL_GROUP_P256, SL_GROUP_P384}
/* clang-format on */

const struct sl_tls_policy sl_tls_policies[SL_POLICY_COUNT] = {
    [SL_POLICY_MODERN] = {"modern", SL_TLS_V13, SL_TLS_V13, CIPHERS, GROUPS, SIGNATURES},
    [SL_POLICY_INTERMEDIATE] = {"intermediate", SL_TLS_V12, SL_TLS_V13, CIPHERS, GROUPS, SIGNATURES},
};

static const struct sl_tls_cipher_ids {
    uint16_t v13, ecdsa12, rsa12;
} cipher_ids[SL_CIPHER_COUNT] = {
    [SL_CIPHER_AES_128_GCM] = {0x1301, 0xc02b, 0xc02f},       /* RFC 8446 B.4, RFC 5289 3.2 */
    [SL_CIPHER_AES_256_GCM] = {0x1302, 0xc02c, 0xc030},       /* the same */
    [SL_CIPHER_CHACHA20_POLY1305] = {0x1303, 0xcca9, 0xcca8}, /* RFC 8446 B.4, RFC 7905 2 */
};

static const uint16_t group_ids[SL_GROUP_COUNT] = {
    [SL_GROUP_X25519] = 0x001d, [SL_GROUP_P256] = 0x0017, [SL_GROUP_P384] = 0x0018};

static const uint16_t version_ids[SL_TLS_VERSION_COUNT] = {[SL_TLS_1_2] = SL_TLS_V12, [SL_TLS_1_3] = SL_TLS_V13};

static bool is_chacha(uint16_t suite)
{
    const struct sl_tls_cipher_ids *ids = &cipher_ids[SL_CIPHER_CHACHA20_POLY1305];

    return suite == ids->v13 || suite == ids->ecdsa12 || suite == ids->rsa12;
}

void sl_tls_chacha_first(const uint16_t *suites, uint32_t n, uint16_t *out)
{
    uint32_t at = 0;

    for (int others = 0; others < 2; others++)
        for (uint32_t i = 0; i < n; i++)
            if (is_chacha(suites[i]) != (others == 1))
                out[at++] = suites[i];
}

static void resolve_versions(struct sl_tls_settings *out, const struct sl_conf_tls *conf)
{
    out->version_min = out->policy->version_min;
    out->version_max = out->policy->version_max;
    if (!conf || !conf->n_versions)
        return;
    out->version_min = SL_TLS_V13;
    out->version_max = SL_TLS_V12;
    for (uint32_t i = 0; i < conf->n_versions; i++) {
        out->version_min = SL_MIN(out->version_min, version_ids[conf->versions[i]]);
        out->version_max = SL_MAX(out->version_max, version_ids[conf->versions[i]]);
    }
}

static void resolve_suites(struct sl_tls_settings *out, const struct sl_conf_tls *conf)
{
    bool own = conf && conf->n_suites;
    const enum sl_conf_cipher *ciphers = own ? conf->suites : out->policy->suites;
    uint32_t n = own ? conf->n_suites : out->policy->n_suites;

    for (uint32_t i = 0; i < n && out->version_max == SL_TLS_V13; i++)
        out->suites[out->n_suites++] = cipher_ids[ciphers[i]].v13;
    for (uint32_t i = 0; i < n && out->version_min == SL_TLS_V12; i++)
        out->suites[out->n_suites++] = cipher_ids[ciphers[i]].ecdsa12;
    for (uint32_t i = 0; i < n && out->version_min == SL_TLS_V12; i++)
        out->suites[out->n_suites++] = cipher_ids[ciphers[i]].rsa12;
    sl_tls_chacha_first(out->suites, out->n_suites, out->suites_chacha);
}

static void resolve_groups(struct sl_tls_settings *out, const struct sl_conf_tls *conf)
{
    bool own = conf && conf->n_groups;
    const enum sl_conf_group *groups = own ? conf->groups : out->policy->groups;
    uint32_t n = own ? conf->n_groups : out->policy->n_groups;

    for (uint32_t i = 0; i < n; i++)
        out->groups[out->n_groups++] = group_ids[groups[i]];
}

void sl_tls_settings_resolve(struct sl_tls_settings *out, const struct sl_conf_tls *conf)
{
    const struct sl_tls_policy *policy = &sl_tls_policies[conf ? conf->policy : SL_POLICY_INTERMEDIATE];

    *out = (struct sl_tls_settings){.conf = conf,
                                    .policy = policy,
                                    .unknown_sni = conf ? conf->unknown_sni : SL_UNKNOWN_SNI_DEFAULT,
                                    .clients = conf ? conf->clients : SL_CLIENTS_OFF,
                                    .tickets = !conf || conf->tickets == SL_ON,
                                    .ticket_lifetime_s = 86400};
    if (conf)
        out->ticket_lifetime_s = (uint32_t)(conf->ticket_lifetime_ns.v / SL_NS_PER_S);
    resolve_versions(out, conf);
    resolve_suites(out, conf);
    resolve_groups(out, conf);
    out->n_sig_algs = policy->n_sig_algs;
    memcpy(out->sig_algs, policy->sig_algs, policy->n_sig_algs * sizeof policy->sig_algs[0]);
}

void sl_tls_settings_of(struct sl_tls_settings *out, const struct sl_conf *conf, uint32_t index)
{
    uint32_t at = conf->listeners[index].tls.index;

    sl_tls_settings_resolve(out, at < conf->n_tls ? &conf->tls[at] : NULL);
}
