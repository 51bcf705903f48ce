/* policy: how TLS is spoken on a listener. A const table of policies after Mozilla's Server Side TLS, and one listener's
 * effective settings: a policy with what the configuration overrides. Numbers are IANA's (TLS parameters registry). */
#ifndef SL_TLS_POLICY_H
#define SL_TLS_POLICY_H

#include "conf/conf.h"

#define SL_TLS_V12 0x0303
#define SL_TLS_V13 0x0304

/* Each cipher in 1.3, and in 1.2 with either kind of certificate. */
#define SL_TLS_SUITES_MAX (3 * SL_CIPHER_COUNT)
#define SL_TLS_SIG_ALGS_MAX 8

struct sl_tls_policy {
    const char *name;
    uint16_t version_min, version_max;
    uint32_t n_suites, n_groups, n_sig_algs;
    enum sl_conf_cipher suites[SL_CIPHER_COUNT]; /* the preferred first; so with the next two */
    enum sl_conf_group groups[SL_GROUP_COUNT];
    uint16_t sig_algs[SL_TLS_SIG_ALGS_MAX];
};
extern const struct sl_tls_policy sl_tls_policies[SL_POLICY_COUNT];

/* What a listener does. Immutable; lives as long as the configuration that it came from. Lists end with a 0. */
struct sl_tls_settings {
    const struct sl_conf_tls *conf; /* its name, files, path of the key log; NULL: nothing was configured */
    const struct sl_tls_policy *policy;
    uint16_t version_min, version_max; /* SL_TLS_V* */
    uint32_t n_suites, n_groups, n_sig_algs;
    uint16_t suites[SL_TLS_SUITES_MAX + 1];        /* in the server's order; those of 1.3 first, ECDSA before RSA */
    uint16_t suites_chacha[SL_TLS_SUITES_MAX + 1]; /* the same for a client that puts ChaCha20 first */
    uint16_t groups[SL_GROUP_COUNT + 1];
    uint16_t sig_algs[SL_TLS_SIG_ALGS_MAX + 1];
    enum sl_conf_unknown_sni unknown_sni;
    enum sl_conf_clients clients;
    bool tickets;
    uint32_t ticket_lifetime_s; /* at most 7 days (RFC 8446 4.6.1) */
};

/* Of TLS 1.3 (RFC 8446 B.4), whose numbers say nothing of key exchange and signature. */
static inline bool sl_tls_suite_is_13(uint16_t suite) { return suite >> 8 == 0x13; }

/* conf NULL: the policy intermediate with every key's default. */
void sl_tls_settings_resolve(struct sl_tls_settings *out, const struct sl_conf_tls *conf);
/* Those of listener conf->listeners[index]. */
void sl_tls_settings_of(struct sl_tls_settings *out, const struct sl_conf *conf, uint32_t index);

/* The same suites with ChaCha20 before all others, each kind in its order. out has room for n and may not be suites. */
void sl_tls_chacha_first(const uint16_t *suites, uint32_t n, uint16_t *out);

#endif
