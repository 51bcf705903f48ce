/* Certificates: what a configuration can get wrong, and which one a client gets for which name. */
#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

#include <mbedtls/ssl_ciphersuites.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define V12 MBEDTLS_SSL_VERSION_TLS1_2
#define V13 MBEDTLS_SSL_VERSION_TLS1_3

static const char *const www[] = {"www.example.com", NULL}, *const wild[] = {"*.example.com", NULL},
                         *const other[] = {"other.example.org", NULL};
static const struct th_cert_opts ec_www = {.key = TH_KEY_P256, .subject = "CN=ec-www", .names = www};
static const struct th_cert_opts rsa_www = {.key = TH_KEY_RSA2048, .subject = "CN=rsa-www", .names = www};
static const struct th_cert_opts ec_wild = {.key = TH_KEY_P256, .key_index = 1, .subject = "CN=ec-wild", .names = wild};
static const struct th_cert_opts ec_other = {.key = TH_KEY_P384, .subject = "CN=ec-other", .names = other};

/* ---- choice ---- */

/* The common name of the certificate that a client with this SNI gets. */
static const char *served(struct th_rig *r, const struct th_client_opts *o)
{
    static char cn[64];
    struct th_pipe *pipe = th_pipe_new(r->feed_pool);
    struct th_client *c = th_client_new(pipe, o);
    struct sl_stream *s;

    assert_non_null(th_rig_accept(r, pipe));
    s = th_rig_handshake(r, c);
    assert_non_null(s);
    snprintf(cn, sizeof cn, "%s", th_client_peer_cn(c));
    s->ops->release(s);
    th_client_free(c);
    th_pipe_free(pipe);
    return cn;
}

static void sni_exact_then_wildcard_then_default(void **state)
{
    struct th_rig r;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&ec_other, &ec_wild, &ec_www}});
    for (int v = 0; v < 2; v++) {
        struct th_client_opts o = {.min = v ? V13 : V12, .max = v ? V13 : V12};

        o.sni = "www.example.com";
        assert_string_equal(served(&r, &o), "ec-www");
        o.sni = "WWW.example.COM";
        assert_string_equal(served(&r, &o), "ec-www");
        o.sni = "api.example.com";
        assert_string_equal(served(&r, &o), "ec-wild");
        o.sni = "unknown.net";
        assert_string_equal(served(&r, &o), "ec-other");
        o.sni = "*.example.com";
        assert_string_equal(served(&r, &o), "ec-other");
        o.sni = NULL;
        assert_string_equal(served(&r, &o), "ec-other");
    }
    th_rig_stop(&r);
}

/* Two certificates of one name: ECDSA for whoever can verify it, RSA for the rest; also when the name is unknown. */
static void ecdsa_before_rsa_by_what_the_client_verifies(void **state)
{
    static const int rsa_only[] = {MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, 0};
    static const uint16_t rsa_algs[] = {MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256, MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256, 0};
    struct th_rig r;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&rsa_www, &ec_www}});
    for (int known = 0; known < 2; known++) {
        const char *sni = known ? "www.example.com" : "unknown.net";

        assert_string_equal(served(&r, &(struct th_client_opts){.sni = sni}), "ec-www");
        assert_string_equal(served(&r, &(struct th_client_opts){.sni = sni, .max = V12}), "ec-www");
        assert_string_equal(served(&r, &(struct th_client_opts){.sni = sni, .min = V13, .sig_algs = rsa_algs}),
                            "rsa-www");
        assert_string_equal(served(&r, &(struct th_client_opts){.sni = sni, .max = V12, .suites = rsa_only}),
                            "rsa-www");
    }
    th_rig_stop(&r);
}

static void certificates_are_parsed_when_first_used(void **state)
{
    struct th_rig r;

    th_rig_start(&r, &(struct th_rig_opts){.certs = {&ec_www, &ec_other}});
    r.certs[1].key_pem[40] ^= 1; /* damaged after the site was made: only the one who asks for it notices */
    assert_string_equal(served(&r, &(struct th_client_opts){.sni = "www.example.com"}), "ec-www");
    {
        struct th_pipe *pipe = th_pipe_new(r.feed_pool);
        struct th_client *c = th_client_new(pipe, &(struct th_client_opts){.sni = "other.example.org"});

        assert_non_null(th_rig_accept(&r, pipe));
        assert_null(th_rig_handshake(&r, c));
        assert_int_equal(c->alert, 80);
        th_pipe_fin(pipe);
        th_rig_step(&r);
        th_client_free(c);
        th_pipe_free(pipe);
    }
    th_rig_stop(&r);
}

/* ---- faults ---- */

static struct sl_conf_errors errs;

static const char *checked(struct sl_conf_certificate *certs, uint32_t n, struct sl_conf_listener *listener)
{
    static char line[640];
    struct sl_conf conf = {
        .certificates = certs, .n_certificates = n, .listeners = listener, .n_listeners = listener ? 1 : 0};

    memset(&errs, 0, sizeof errs);
    snprintf(errs.file, sizeof errs.file, "test.yaml");
    sl_tls_check_conf(&conf, &errs);
    return errs.n ? sl_conf_error_format(&errs, 0, line, sizeof line) : "";
}

static void replace(uint8_t **pem, size_t *len, const char *text)
{
    free(*pem);
    *pem = (uint8_t *)strdup(text);
    *len = strlen(text) + 1;
}

/* One certificate with what `spoil` does to it gives exactly this error. */
static void faulty(const struct th_cert_opts *o, void (*spoil)(struct sl_conf_certificate *), const char *error)
{
    struct sl_conf_certificate c;

    th_conf_cert(&c, "site", o);
    if (spoil)
        spoil(&c);
    assert_string_equal(checked(&c, 1, NULL), error);
    assert_int_equal(errs.n, error[0] != 0);
    th_conf_cert_free(&c);
}

static void chain_not_pem(struct sl_conf_certificate *c) { replace(&c->chain_pem, &c->chain_len, "hello"); }
static void key_not_pem(struct sl_conf_certificate *c) { replace(&c->key_pem, &c->key_len, ""); }

static void chain_damaged(struct sl_conf_certificate *c)
{
    char *end = strstr((char *)c->chain_pem, "-----END");

    memmove(end - 40, end, strlen(end) + 1);
    c->chain_len = strlen((char *)c->chain_pem) + 1;
}

static void key_damaged(struct sl_conf_certificate *c)
{
    replace(&c->key_pem, &c->key_len, "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIAAA\n-----END EC PRIVATE KEY-----\n");
}

static void key_encrypted(struct sl_conf_certificate *c)
{
    replace(&c->key_pem, &c->key_len,
            "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
            "AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nAAAA\n"
            "-----END EC PRIVATE KEY-----\n");
}

static void another_key(struct sl_conf_certificate *c)
{
    free(c->key_pem);
    c->key_pem = (uint8_t *)th_key_pem(TH_KEY_P256, 1);
    c->key_len = strlen((char *)c->key_pem) + 1;
}

static void key_of_another_type(struct sl_conf_certificate *c)
{
    free(c->key_pem);
    c->key_pem = (uint8_t *)th_key_pem(TH_KEY_RSA2048, 0);
    c->key_len = strlen((char *)c->key_pem) + 1;
}

static void append(struct sl_conf_certificate *c, const struct th_cert_opts *o)
{
    char *more = th_cert_pem(o);
    size_t room = c->chain_len + strlen(more);
    char *both = malloc(room);

    snprintf(both, room, "%s%s", (char *)c->chain_pem, more);
    replace(&c->chain_pem, &c->chain_len, both);
    free(both);
    free(more);
}

static const struct th_cert_opts issuer = {.key = TH_KEY_P384, .subject = "CN=issuer"};
static const struct th_cert_opts issued = {
    .key = TH_KEY_P256, .subject = "CN=issued", .names = www, .issuer = "CN=issuer", .issuer_key = TH_KEY_P384};

static void with_issuer(struct sl_conf_certificate *c) { append(c, &issuer); }
static void with_stranger(struct sl_conf_certificate *c) { append(c, &ec_other); }

static void issuer_first(struct sl_conf_certificate *c)
{
    char *first = th_cert_pem(&issuer);

    replace(&c->chain_pem, &c->chain_len, first);
    free(first);
    append(c, &issued);
}

/* An Ed25519 key (RFC 8410 10.3), which mbedTLS does not know. */
static void key_ed25519(struct sl_conf_certificate *c)
{
    replace(&c->key_pem, &c->key_len,
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END "
            "PRIVATE KEY-----\n");
}

static void good_certificates_pass(void **state)
{
    faulty(&ec_www, NULL, "");
    faulty(&ec_other, NULL, "");
    faulty(&rsa_www, NULL, "");
    faulty(&issued, with_issuer, "");
}

static void every_fault_has_its_error(void **state)
{
    static const struct th_cert_opts p521 = {.key = TH_KEY_P521, .subject = "CN=p521", .names = www};
    static const struct th_cert_opts rsa1024 = {.key = TH_KEY_RSA1024, .subject = "CN=rsa1024", .names = www};

    faulty(&ec_www, chain_not_pem,
           "test.yaml:2:10: 'site.crt': no PEM certificate in it (-----BEGIN CERTIFICATE-----)");
    faulty(&ec_www, chain_damaged, "test.yaml:2:10: 'site.crt': of the certificates in it only 0 can be read");
    faulty(&ec_www, key_not_pem, "test.yaml:3:10: 'site.key': no PEM private key in it (-----BEGIN PRIVATE KEY-----)");
    faulty(&ec_www, key_damaged, "test.yaml:3:10: 'site.key': the private key can't be read");
    faulty(&ec_www, key_encrypted,
           "test.yaml:3:10: 'site.key': the key is encrypted; nobody is there to type a pass phrase: store it without "
           "one");
    faulty(&ec_www, another_key, "test.yaml:3:10: 'site.key': the key does not match the certificate in 'site.crt'");
    faulty(&ec_www, key_of_another_type,
           "test.yaml:3:10: 'site.key': the key does not match the certificate in 'site.crt'");
    faulty(&ec_www, key_ed25519,
           "test.yaml:3:10: 'site.key': this type of key is not supported; RSA, P-256 and P-384 are");
    faulty(&p521, NULL, "test.yaml:3:10: 'site.key': this curve is not supported; P-256 and P-384 are");
    faulty(&rsa1024, NULL, "test.yaml:3:10: 'site.key': RSA keys of 1024 bits are not supported; 2048 to 4096 are");
    faulty(&issued, with_stranger,
           "test.yaml:2:10: 'site.crt': certificate 1 was not issued by the one after it; the order is the server's, "
           "then each one's issuer");
    faulty(&issued, issuer_first,
           "test.yaml:2:10: 'site.crt': the key belongs to certificate 2 in it; the server's own must come first");
}

static void all_faults_in_one_run(void **state)
{
    struct sl_conf_certificate c[2];

    th_conf_cert(&c[0], "a", &ec_www);
    th_conf_cert(&c[1], "b", &ec_other);
    another_key(&c[0]);
    chain_not_pem(&c[1]);
    checked(c, 2, NULL);
    assert_int_equal(errs.n, 2);
    th_conf_cert_free(&c[0]);
    th_conf_cert_free(&c[1]);
}

static void a_certificate_without_names_can_only_be_the_default(void **state)
{
    static const struct th_cert_opts nameless = {.key = TH_KEY_P256, .subject = "O=nobody"};
    struct sl_conf_certificate c[2];
    struct sl_conf_ref refs[2] = {{0, {9, 20}}, {1, {9, 26}}};
    struct sl_conf_listener l = {.name = {.s = "https"}, .certificates = refs, .n_certificates = 2};

    th_conf_cert(&c[0], "good", &ec_www);
    th_conf_cert(&c[1], "nameless", &nameless);
    assert_string_equal(
        checked(c, 2, &l),
        "test.yaml:9:26: certificate 'nameless' names no host, so no client could ask for it; it can only stand first");
    refs[0].index = 1;
    refs[1].index = 0;
    assert_string_equal(checked(c, 2, &l), "");
    th_conf_cert_free(&c[0]);
    th_conf_cert_free(&c[1]);
}

static void *check_on_a_bare_thread(void *certificate)
{
    static const char good[] = "";

    return (void *)(uintptr_t)(strcmp(checked(certificate, 1, NULL), good) == 0 ? good : NULL);
}

/* The appliance checks a configuration on a thread that never shakes hands. */
static void checking_needs_no_psa(void **state)
{
    struct sl_conf_certificate c;
    pthread_t thread;
    void *result;

    th_conf_cert(&c, "site", &rsa_www);
    assert_int_equal(pthread_create(&thread, NULL, check_on_a_bare_thread, &c), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_non_null(result);
    th_conf_cert_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sni_exact_then_wildcard_then_default),
        cmocka_unit_test(ecdsa_before_rsa_by_what_the_client_verifies),
        cmocka_unit_test(certificates_are_parsed_when_first_used),
        cmocka_unit_test(good_certificates_pass),
        cmocka_unit_test(every_fault_has_its_error),
        cmocka_unit_test(all_faults_in_one_run),
        cmocka_unit_test(checking_needs_no_psa),
        cmocka_unit_test(a_certificate_without_names_can_only_be_the_default),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
