/* Authorities of clients, revocation lists and ticket keys of a configuration: what can be wrong with them, and where. */
#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tls/trust.h"

static const struct th_cert_opts ca = {.key = TH_KEY_P384, .subject = "CN=clients", .ca = true},
                                 client = {.key = TH_KEY_P256,
                                           .subject = "CN=a client",
                                           .issuer = "CN=clients",
                                           .issuer_key = TH_KEY_P384};

struct files {
    char *ca, *crl, *keys; /* NULL: not given */
};

static struct sl_conf_file file_of(char *text)
{
    return text ? (struct sl_conf_file){(uint8_t *)text, strlen(text) + 1} : (struct sl_conf_file){0};
}

static struct sl_conf_tls conf_of(const struct files *f)
{
    return (struct sl_conf_tls){.client_ca = {"ca.pem", {5, 1}},
                                .client_crl = {"crl.pem", {6, 1}},
                                .ticket_keys = {"t.keys", {7, 1}},
                                .client_ca_pem = file_of(f->ca),
                                .client_crl_pem = file_of(f->crl),
                                .ticket_keys_text = file_of(f->keys)};
}

/* What is told about the files, and frees them. */
static const char *told(struct files f)
{
    static struct sl_conf_errors errs;
    static char text[1024];
    struct sl_conf_tls tls = conf_of(&f);
    struct sl_conf conf = {.tls = &tls, .n_tls = 1};
    size_t at = 0;

    errs = (struct sl_conf_errors){.file = "t"};
    text[0] = 0;
    sl_tls_check_conf(&conf, &errs);
    for (uint32_t i = 0; i < errs.n; i++) {
        sl_conf_error_format(&errs, i, text + at, sizeof text - at);
        at = strlen(text);
    }
    free(f.ca);
    free(f.crl);
    free(f.keys);
    return text;
}

static char *joined(char *a, char *b)
{
    size_t room = strlen(a) + strlen(b) + 1;
    char *both = malloc(room);

    snprintf(both, room, "%s%s", a, b);
    free(a);
    free(b);
    return both;
}

/* Spoils the text between the lines of PEM. */
static char *damaged(char *pem)
{
    strstr(pem, "-----\n")[10] = '!';
    return pem;
}

static void good_files_pass(void **state)
{
    char *revoked = th_cert_pem(&client);

    assert_string_equal(told((struct files){0}), "");
    assert_string_equal(told((struct files){.ca = th_cert_pem(&ca)}), "");
    assert_string_equal(
        told((struct files){.ca = th_cert_pem(&ca), .crl = th_crl_pem("CN=clients", TH_KEY_P384, 0, NULL)}), "");
    assert_string_equal(
        told((struct files){
            .ca = joined(th_cert_pem(&client), th_cert_pem(&ca)),
            .crl = joined(joined(strdup("text before\n"), th_crl_pem("CN=clients", TH_KEY_P384, 0, NULL)),
                          joined(th_crl_pem("CN=clients", TH_KEY_P384, 0, revoked), strdup("\ntext behind\n")))}),
        "");
    free(revoked);
}

static void every_fault_has_its_error(void **state)
{
    assert_string_equal(told((struct files){.ca = strdup("no PEM")}),
                        "t:5:1: 'ca.pem': no PEM certificate in it (-----BEGIN CERTIFICATE-----)");
    assert_string_equal(told((struct files){.ca = joined(th_cert_pem(&ca), damaged(th_cert_pem(&ca)))}),
                        "t:5:1: 'ca.pem': of the certificates in it only 1 can be read");
    assert_string_equal(told((struct files){.ca = th_cert_pem(&ca), .crl = th_cert_pem(&ca)}),
                        "t:6:1: 'crl.pem': no PEM revocation list in it (-----BEGIN X509 CRL-----)");
    assert_string_equal(told((struct files){.ca = th_cert_pem(&ca),
                                            .crl = joined(th_crl_pem("CN=clients", TH_KEY_P384, 0, NULL),
                                                          damaged(th_crl_pem("CN=clients", TH_KEY_P384, 0, NULL)))}),
                        "t:6:1: 'crl.pem': list 2 in it can't be read");
    assert_string_equal(
        told((struct files){.ca = th_cert_pem(&ca), .crl = th_crl_pem("CN=others", TH_KEY_P384, 0, NULL)}),
        "t:6:1: 'crl.pem': list 1 in it was issued by none of the authorities of client_ca");
    assert_string_equal(told((struct files){.keys = strdup("# nothing\n")}),
                        "t:7:1: 't.keys': no current key in it (a line of \"current\" and 64 hexadecimal digits)");
    assert_string_equal(told((struct files){.keys = strdup("\ncurrent 12\n")}),
                        "t:7:1: 't.keys': line 2: 64 hexadecimal digits stand behind the word, and nothing else");
}

static void a_list_revokes_what_it_names(void **state)
{
    char *revoked = th_cert_pem(&client), *good = th_cert_pem(&client);
    struct files f = {.ca = th_cert_pem(&ca), .crl = th_crl_pem("CN=clients", TH_KEY_P384, 0, revoked)};
    struct sl_conf_tls conf = conf_of(&f);
    enum sl_trust_fault fault;
    uint32_t at, flags;
    struct sl_trust *trust = sl_trust_parse(&conf, &fault, &at);

    assert_non_null(trust);
    for (int i = 0; i < 2; i++) {
        mbedtls_x509_crt crt;
        const char *pem = i ? good : revoked;

        mbedtls_x509_crt_init(&crt);
        assert_int_equal(mbedtls_x509_crt_parse(&crt, (const uint8_t *)pem, strlen(pem) + 1), 0);
        (void)mbedtls_x509_crt_verify(&crt, &trust->ca, &trust->crl, NULL, &flags, NULL, NULL);
        assert_int_equal(flags & (uint32_t) ~(MBEDTLS_X509_BADCERT_FUTURE | MBEDTLS_X509_BADCRL_FUTURE),
                         i ? 0 : MBEDTLS_X509_BADCERT_REVOKED);
        mbedtls_x509_crt_free(&crt);
    }
    sl_trust_free(trust);
    sl_trust_free(NULL);
    free(revoked);
    free(good);
    free(f.ca);
    free(f.crl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files_pass),
        cmocka_unit_test(every_fault_has_its_error),
        cmocka_unit_test(a_list_revokes_what_it_names),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
