/* conf: YAML text → an immutable struct sl_conf whose values keep their marks. This room checks the text: keys, types,
 * units, references and addresses within the file. Rooms check what is theirs (a key against its certificate) into the
 * same list of errors. All errors of a file come out in one run. */
#ifndef SL_CONF_H
#define SL_CONF_H

#include "base/base.h"

/* Where a value stands; line 0: it is a default. Both count from 1. */
struct sl_mark {
    uint32_t line, column;
};

struct sl_conf_text { /* s is never NULL; "" when absent */
    const char *s;
    struct sl_mark mark;
};

struct sl_conf_number {
    uint64_t v; /* bytes, nanoseconds or a count, as the key's unit says */
    struct sl_mark mark;
};

struct sl_conf_ip { /* an address with its prefix: "198.18.0.10/24" */
    struct sl_ip ip;
    uint8_t prefix_bits;
    struct sl_mark mark;
};

struct sl_conf_endpoint {
    struct sl_endpoint ep;
    struct sl_mark mark;
};

struct sl_conf_ref { /* a name that stands for an entry of another list */
    uint32_t index;
    struct sl_mark mark;
};

enum sl_conf_hugepages { SL_HUGEPAGES_AUTO, SL_HUGEPAGES_OFF };
enum sl_conf_idle { SL_IDLE_SPIN, SL_IDLE_SLEEP };
enum sl_conf_protocol { SL_PROTOCOL_TCP, SL_PROTOCOL_TLS };
enum sl_conf_switch { SL_OFF, SL_ON };
enum sl_conf_policy { SL_POLICY_MODERN, SL_POLICY_INTERMEDIATE, SL_POLICY_COUNT };
enum sl_conf_tls_version { SL_TLS_1_2, SL_TLS_1_3, SL_TLS_VERSION_COUNT };
enum sl_conf_cipher { SL_CIPHER_AES_128_GCM, SL_CIPHER_AES_256_GCM, SL_CIPHER_CHACHA20_POLY1305, SL_CIPHER_COUNT };
enum sl_conf_group { SL_GROUP_X25519, SL_GROUP_P256, SL_GROUP_P384, SL_GROUP_COUNT };
enum sl_conf_unknown_sni { SL_UNKNOWN_SNI_DEFAULT, SL_UNKNOWN_SNI_REFUSE };
enum sl_conf_congestion { SL_CONGESTION_CUBIC, SL_CONGESTION_NEWRENO };
enum sl_conf_ecn { SL_CONF_ECN_OFF, SL_CONF_ECN_ACCEPT, SL_CONF_ECN_ASK };
enum sl_conf_cookies { SL_CONF_COOKIES_AUTO, SL_CONF_COOKIES_ALWAYS, SL_CONF_COOKIES_OFF };
enum sl_conf_clients { SL_CLIENTS_OFF, SL_CLIENTS_OPTIONAL, SL_CLIENTS_REQUIRED };

struct sl_conf_interface {
    struct sl_conf_text name;
    struct sl_conf_text driver, device; /* "af_xdp:veth-front" → "af_xdp", "veth-front" */
    struct sl_conf_ip *addresses;
    uint32_t n_addresses;
    struct sl_conf_ip gateway4, gateway6; /* mark.line 0: none */
    struct sl_conf_number mtu, vlan;      /* mtu default 1500; vlan 0: none */
    struct sl_conf_number queues;         /* 0: as many as the device and the workers allow */
    struct sl_mark mark;
};

struct sl_conf_file { /* contents that a key's path leads to, in the configuration's memory */
    uint8_t *bytes;   /* with a final zero that the length counts (as mbedTLS wants); NULL: no such key */
    size_t len_bytes;
};

struct sl_conf_certificate {
    struct sl_conf_text name, chain, key; /* paths made absolute by the file's folder */
    uint8_t *chain_pem, *key_pem;         /* contents, with a final zero that the length counts (as mbedTLS wants) */
    size_t chain_len, key_len;
    struct sl_mark mark;
};

/* Settings of TCP. Listeners and upstreams have one each, complete: what they don't give is the top's. */
struct sl_conf_tcp {
    enum sl_conf_congestion congestion; /* cubic */
    enum sl_conf_ecn ecn;               /* accept */
    enum sl_conf_cookies cookies;       /* auto; of no use to upstreams */
    enum sl_conf_switch pacing, nagle;  /* off */
    struct sl_conf_number receive_buffer_bytes, send_buffer_bytes;
    struct sl_conf_number keepalive_ns; /* 2 h; 0: never */
    struct sl_conf_number keepalive_interval_ns, keepalive_probes;
    struct sl_conf_number user_timeout_ns;
    struct sl_conf_number time_wait_ns, min_rto_ns; /* at the top only */
    uint32_t given;                                 /* a bit for each key of the section that was written */
    struct sl_mark mark;
};

struct sl_conf_upstream {
    struct sl_conf_text name;
    struct sl_conf_endpoint *servers;
    uint32_t n_servers;
    struct sl_conf_ip *sources; /* prefix_bits unused */
    uint32_t n_sources;
    struct sl_conf_number lport_min, lport_max; /* from `ports: 32768-60999`; default 1024 to 65535 */
    struct sl_conf_number connect_timeout_ns;   /* 3 s */
    struct sl_conf_number retry_dead_ns;        /* a server that failed is skipped for so long; 10 s */
    struct sl_conf_tcp tcp;
    struct sl_mark mark;
};

/* How TLS is spoken. What is not given is the policy's: lib/tls resolves that. */
struct sl_conf_tls {
    struct sl_conf_text name;
    enum sl_conf_policy policy;
    enum sl_conf_tls_version *versions; /* n 0: the policy's; so with the next two */
    enum sl_conf_cipher *suites;        /* in the order of preference */
    enum sl_conf_group *groups;
    uint32_t n_versions, n_suites, n_groups;
    enum sl_conf_unknown_sni unknown_sni;
    enum sl_conf_clients clients; /* whether they show certificates */
    struct sl_conf_text client_ca, client_crl;
    struct sl_conf_file client_ca_pem, client_crl_pem;
    enum sl_conf_switch tickets;
    struct sl_conf_text ticket_keys; /* s "": made by the process itself */
    struct sl_conf_file ticket_keys_text;
    struct sl_conf_number ticket_lifetime_ns; /* 1 d */
    struct sl_conf_text keylog;               /* s "": secrets are told to nobody */
    struct sl_mark mark;
};

struct sl_conf_listener {
    struct sl_conf_text name;
    struct sl_conf_endpoint *addresses;
    uint32_t n_addresses;
    enum sl_conf_protocol protocol;
    struct sl_conf_ref *certificates; /* tls: at least one; the first is the default */
    uint32_t n_certificates;
    struct sl_conf_ref upstream;
    struct sl_conf_text *alpn; /* tls; default: http/1.1 */
    uint32_t n_alpn;
    struct sl_conf_ref tls;                     /* protocol tls: an entry of sl_conf.tls, given or built in */
    struct sl_conf_number handshake_timeout_ns; /* 10 s */
    struct sl_conf_number idle_timeout_ns;      /* no byte either way for so long ends the pair; 10 min; 0: never */
    struct sl_conf_number backlog;              /* connections in SYN-RCVD; 1024 */
    struct sl_conf_tcp tcp;
    struct sl_mark mark;
};

struct sl_conf {
    struct sl_conf_text file;
    struct {
        enum sl_conf_hugepages hugepages;
        struct sl_conf_number memory_bytes; /* 512M */
        struct sl_conf_text *eal;
        uint32_t n_eal;
        struct sl_mark mark; /* of the section; line 0: it is absent */
    } dpdk;
    struct {
        struct sl_conf_number *cores;
        uint32_t n_cores;
        enum sl_conf_idle idle; /* sleep */
        struct sl_mark mark;
    } workers;
    struct {
        struct sl_conf_number connections;      /* per worker; default 65536 */
        struct sl_conf_number handshakes;       /* TLS handshakes in flight per worker; 0: see sl_conf_handshakes */
        struct sl_conf_number drain_timeout_ns; /* SIGTERM; 30 s */
        struct sl_mark mark;
    } limits;
    struct {
        struct sl_conf_text socket; /* /run/sluice/sluice.sock */
        enum sl_conf_switch watch;  /* on */
        struct sl_mark mark;
    } control;
    struct sl_conf_tcp tcp; /* for those listeners and upstreams that don't say otherwise */
    struct sl_conf_interface *interfaces;
    struct sl_conf_certificate *certificates;
    struct sl_conf_tls *tls; /* those of the file, then one named after each policy that changes nothing of it */
    struct sl_conf_upstream *upstreams;
    struct sl_conf_listener *listeners;
    uint32_t n_interfaces, n_certificates, n_tls, n_upstreams, n_listeners;
    struct sl_conf_text source; /* the text itself, for sl_conf_again; zeros in it count by source_bytes */
    size_t source_bytes;
    const char *folder; /* what its relative paths begin with */
    void *arena;        /* all of the above lives here */
};

/* ---- errors of a file ---- */
struct sl_conf_error {
    struct sl_mark mark;
    char text[320]; /* printable ASCII only */
};

#define SL_CONF_ERRORS_MAX 64

struct sl_conf_errors {
    char file[256];
    uint32_t n, lost; /* lost: beyond the maximum; those that stand first in the file are kept */
    struct sl_conf_error e[SL_CONF_ERRORS_MAX]; /* sorted by mark */
};

/* Adds an error where its mark belongs. Bytes outside printable ASCII become '?'. */
void sl_conf_error(struct sl_conf_errors *errs, struct sl_mark mark, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "file:line:column: text" of error i; without numbers when the mark's line is 0. Returns out. */
const char *sl_conf_error_format(const struct sl_conf_errors *errs, uint32_t i, char *out, size_t size_bytes);

/* ---- reading ---- */

/* Brings a file: malloc'd, with a final zero that *len_bytes counts; NULL and err when it can't. */
typedef uint8_t *(*sl_conf_read_file)(void *ctx, const char *path, size_t *len_bytes, struct sl_err *err);

/* Reads text. NULL when there are errors (all of them in errs, which is cleared first); otherwise a configuration that
 * sl_conf_free frees. Relative paths start at the folder of `file`; certificates' files are read through `read_file`
 * (NULL: the real ones, each at most 1 MiB), so that tests and fuzzers need none. Nothing but memory is touched
 * otherwise. Bounds: 1 MiB of text, 16 levels. */
struct sl_conf *sl_conf_parse(const char *text, size_t len_bytes, const char *file, sl_conf_read_file read_file,
                              void *ctx, struct sl_conf_errors *errs);
/* The same from a file; paths come out absolute. */
struct sl_conf *sl_conf_load(const char *file, struct sl_conf_errors *errs);

/* What other rooms find wrong, told into the same list. The configuration may have errors already: what could not be
 * read of it is absent (NULL, 0; UINT32_MAX as the index of a name). */
typedef void (*sl_conf_check)(const struct sl_conf *conf, struct sl_conf_errors *errs);

/* The same as sl_conf_load with the checks of other rooms, so that their errors come out in the same run as the text's. */
struct sl_conf *sl_conf_load_checked(const char *file, sl_conf_check check, struct sl_conf_errors *errs);
/* For programs that serve nothing but use a machine as Sluice does (the load generator): upstreams and listeners may be
 * absent. */
struct sl_conf *sl_conf_load_machine(const char *file, sl_conf_check check, struct sl_conf_errors *errs);
struct sl_conf *sl_conf_parse_machine(const char *text, size_t len_bytes, const char *file,
                                      struct sl_conf_errors *errs);
/* The same text once more with what its files hold now: what a change of a certificate needs, while an edit of the
 * configuration itself waits for a reload. */
struct sl_conf *sl_conf_again(const struct sl_conf *conf, sl_conf_check check, struct sl_conf_errors *errs);
void sl_conf_free(struct sl_conf *conf);

/* The files other than itself that a configuration was made of, in a fixed order: the path of file i, "" where none was
 * given, NULL past the last. *contents, which may be NULL: what it held. */
const char *sl_conf_file_at(const struct sl_conf *conf, uint32_t i, struct sl_conf_file *contents);
/* Whether file i holds something else by now, or can't be read. */
bool sl_conf_file_differs(const struct sl_conf *conf, uint32_t i);

/* TLS handshakes in flight per worker: as configured, or what a quarter of a worker's memory holds. */
uint32_t sl_conf_handshakes(const struct sl_conf *conf);

/* What the text asks of the machine's cores, which are numbered from 0: more workers than there are, a core that is not
 * there. Each is an error in errs with its line. True when there is any. */
bool sl_conf_check_machine(const struct sl_conf *conf, uint32_t online_cores, struct sl_conf_errors *errs);

/* What differs from old in keys that a reload can't apply (the table of keys says which: dpdk, workers, interfaces,
 * control, limits.connections, some of tcp): each an error in errs that says so and names the key. True when there is any. */
bool sl_conf_needs_restart(const struct sl_conf *old, const struct sl_conf *fresh, struct sl_conf_errors *errs);

/* The full reference as a commented YAML file, made from the table of keys: conf/reference.yaml is this text. Calls
 * write with pieces of it. */
void sl_conf_reference(void (*write)(void *ctx, const char *text), void *ctx);

#endif
