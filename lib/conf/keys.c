/* The table of keys: all that a configuration may hold. A new key is a row here and a field in conf.h; a new section is
 * a table, its struct conf_section, and a row where it belongs. */
#include "conf/internal.h"

/* Where a field of a section that stands once stands in it. */
#define IN(section, field) (offsetof(struct sl_conf, section.field) - offsetof(struct sl_conf, section))
#define LIST_OF(type, field, most)                                                                                     \
    .offset = offsetof(struct type, field), .count_offset = offsetof(struct type, n_##field), .items_max = (most)

/* Types that write two fields side by side. */
#define SIDE_BY_SIDE(type, a, b)                                                                                       \
    static_assert(offsetof(struct type, b) == offsetof(struct type, a) + sizeof(((struct type *)0)->a), #a " " #b)
SIDE_BY_SIDE(sl_conf_interface, driver, device);
SIDE_BY_SIDE(sl_conf_interface, gateway4, gateway6);
SIDE_BY_SIDE(sl_conf_upstream, lport_min, lport_max);
static_assert(sizeof(enum sl_conf_protocol) == sizeof(int), "conf_type_enum stores an int");

/* Names are found at the start of each named entry. */
static_assert(offsetof(struct sl_conf_interface, name) == 0 && offsetof(struct sl_conf_certificate, name) == 0 &&
                  offsetof(struct sl_conf_upstream, name) == 0 && offsetof(struct sl_conf_listener, name) == 0 &&
                  offsetof(struct sl_conf_tls, name) == 0,
              "name comes first");

static const char *const hugepages_words[] = {[SL_HUGEPAGES_AUTO] = "auto", [SL_HUGEPAGES_OFF] = "off", NULL};
static const char *const idle_words[] = {[SL_IDLE_SPIN] = "spin", [SL_IDLE_SLEEP] = "sleep", NULL};
static const char *const protocol_words[] = {[SL_PROTOCOL_TCP] = "tcp", [SL_PROTOCOL_TLS] = "tls", NULL};
static const char *const switch_words[] = {[SL_OFF] = "off", [SL_ON] = "on", NULL};
static const char *const version_words[] = {[SL_TLS_1_2] = "1.2", [SL_TLS_1_3] = "1.3", NULL};
static const char *const cipher_words[] = {[SL_CIPHER_AES_128_GCM] = "aes128-gcm",
                                           [SL_CIPHER_AES_256_GCM] = "aes256-gcm",
                                           [SL_CIPHER_CHACHA20_POLY1305] = "chacha20-poly1305",
                                           NULL};
static const char *const group_words[] = {
    [SL_GROUP_X25519] = "x25519", [SL_GROUP_P256] = "p256", [SL_GROUP_P384] = "p384", NULL};
static const char *const unknown_sni_words[] = {
    [SL_UNKNOWN_SNI_DEFAULT] = "default", [SL_UNKNOWN_SNI_REFUSE] = "refuse", NULL};
static const char *const clients_words[] = {
    [SL_CLIENTS_OFF] = "off", [SL_CLIENTS_OPTIONAL] = "optional", [SL_CLIENTS_REQUIRED] = "required", NULL};
static const char *const congestion_words[] = {
    [SL_CONGESTION_CUBIC] = "cubic", [SL_CONGESTION_NEWRENO] = "newreno", NULL};
static const char *const ecn_words[] = {
    [SL_CONF_ECN_OFF] = "off", [SL_CONF_ECN_ACCEPT] = "accept", [SL_CONF_ECN_ASK] = "ask", NULL};
static const char *const cookies_words[] = {
    [SL_CONF_COOKIES_AUTO] = "auto", [SL_CONF_COOKIES_ALWAYS] = "always", [SL_CONF_COOKIES_OFF] = "off", NULL};
static const char *const driver_words[] = {"af_xdp", "pci", "memif", "vdev", NULL};

#define KIB UINT64_C(1024)
#define MIB (UINT64_C(1) << 20)
#define MS SL_NS_PER_MS
#define S SL_NS_PER_S
#define DAY (86400 * S)
#define NAME_MAX_BYTES 63

/* clang-format off */
static const struct conf_key dpdk_keys[] = {
    {.name = "hugepages", .type = &conf_type_enum, .words = hugepages_words, .offset = IN(dpdk, hugepages),
     .def = "auto", .flags = CONF_RESTART,
     .help = "Where packet memory comes from. auto: hugepages where the machine has enough of them free, else ordinary "
             "pages; off: ordinary pages."},
    {.name = "memory", .type = &conf_type_size, .offset = IN(dpdk, memory_bytes), .min = 64 * MIB, .max = MIB << 20,
     .def = "512M", .flags = CONF_RESTART,
     .help = "Memory for packets and DPDK's own tables, all workers together."},
    {.name = "eal", .type = &conf_type_text, .offset = IN(dpdk, eal), .count_offset = IN(dpdk, n_eal), .items_max = 64,
     .max = 255, .example = "[\"--log-level=lib.eal:warning\"]", .flags = CONF_RESTART,
     .help = "More arguments for DPDK's EAL, one item each, after those that Sluice makes itself."},
    {0},
};

static const struct conf_key workers_keys[] = {
    {.name = "cores", .type = &conf_type_count, .offset = IN(workers, cores), .count_offset = IN(workers, n_cores),
     .items_max = 128, .max = 1023, .example = "[1]", .flags = CONF_REQUIRED | CONF_UNIQUE | CONF_RESTART,
     .help = "The cores that work, one worker with its own share of the connections on each. Leave one core to the "
             "rest of the machine."},
    {.name = "idle", .type = &conf_type_enum, .words = idle_words, .offset = IN(workers, idle), .def = "sleep",
     .flags = CONF_RESTART,
     .help = "What a worker without work does. spin: polls on, for the least latency, and takes its whole core; sleep: "
             "waits for the device."},
    {0},
};

static const struct conf_key limits_keys[] = {
    {.name = "connections", .type = &conf_type_count, .offset = IN(limits, connections), .min = 16, .max = 1u << 24,
     .def = "65536", .flags = CONF_RESTART,
     .help = "Connections per worker, clients' and upstreams' together. Tables are made for so many at start, so a "
             "reload can't change it."},
    {.name = "handshakes", .type = &conf_type_count, .offset = IN(limits, handshakes), .max = 1u << 20,
     .def = "0",
     .help = "TLS handshakes in flight per worker, about 64 KiB each; 0: as many as fit in a quarter of the worker's share "
             "of dpdk.memory. At the limit the one without progress for longest gives way."},
    {.name = "drain_timeout", .type = &conf_type_duration, .offset = IN(limits, drain_timeout_ns), .max = DAY,
     .def = "30s",
     .help = "How long connections may go on after SIGTERM before they are reset."},
    {0},
};

static const struct conf_key control_keys[] = {
    {.name = "socket", .type = &conf_type_path, .offset = IN(control, socket), .max = 107,
     .def = "/run/sluice/sluice.sock", .flags = CONF_RESTART,
     .help = "The Unix socket that sluicectl talks to."},
    {.name = "watch", .type = &conf_type_enum, .words = switch_words, .offset = IN(control, watch), .def = "on",
     .help = "Whether files that this one names (certificates, keys, CAs, CRLs, ticket keys) are looked at every few "
             "seconds, and used once they have changed and are good. Edits of this file itself wait for a reload."},
    {0},
};

static const struct conf_key interface_keys[] = {
    {.name = "name", .type = &conf_type_name, .offset = offsetof(struct sl_conf_interface, name), .max = NAME_MAX_BYTES,
     .example = "front", .flags = CONF_REQUIRED | CONF_RESTART,
     .help = "What logs and statistics call the interface."},
    {.name = "device", .type = &conf_type_device, .words = driver_words,
     .offset = offsetof(struct sl_conf_interface, driver), .max = 255, .example = "\"af_xdp:eth0\"",
     .flags = CONF_REQUIRED | CONF_RESTART,
     .help = "The DPDK device as driver:rest, split at the first colon. af_xdp:eth0 shares an interface with the "
             "kernel; pci:0000:03:00.0 is a NIC bound to vfio-pci; memif:... and vdev:... take what those drivers "
             "take."},
    {.name = "addresses", .type = &conf_type_prefix, LIST_OF(sl_conf_interface, addresses, 256),
     .example = "[198.18.0.10/24, \"2001:db8:1::10/64\"]", .flags = CONF_REQUIRED | CONF_RESTART,
     .facts = CONF_FACT_ADDRESSES,
     .help = "Sluice's own addresses here with the length of their network's prefix. The kernel must not have them."},
    {.name = "gateway", .type = &conf_type_gateway, .offset = offsetof(struct sl_conf_interface, gateway4),
     .example = "[198.18.0.1, \"2001:db8:1::1\"]", .flags = CONF_RESTART, .facts = CONF_FACT_GATEWAYS,
     .help = "The next hop to what is on no interface's network, at most one of each family."},
    {.name = "mtu", .type = &conf_type_count, .offset = offsetof(struct sl_conf_interface, mtu), .min = 576,
     .max = 9600, .def = "1500", .flags = CONF_RESTART,
     .help = "The largest IP packet in bytes. IPv6 needs 1280; af_xdp takes up to about 3300."},
    {.name = "vlan", .type = &conf_type_count, .offset = offsetof(struct sl_conf_interface, vlan), .max = 4094,
     .def = "0", .flags = CONF_RESTART,
     .help = "The VLAN whose tag frames carry; 0: untagged."},
    {.name = "queues", .type = &conf_type_count, .offset = offsetof(struct sl_conf_interface, queues), .max = 128,
     .def = "0", .flags = CONF_RESTART,
     .help = "Queues of the device; 0: as many as it has, up to one per worker."},
    {0},
};

/* Settings of TCP stand at the top, where they have defaults, and in listeners and upstreams, where they have those of
 * the top: the same rows with what differs. */
#define IN_TCP(field) .offset = offsetof(struct sl_conf_tcp, field)
#define AT_TOP(value) .def = (value)
#define BELOW(value) .example = (value), .flags = CONF_ASIDE | CONF_INHERITED
#define TCP_COOKIES_ROW(STANDS)                                                                                        \
    {.name = "syn_cookies", .type = &conf_type_enum, .words = cookies_words, IN_TCP(cookies), STANDS("auto"),          \
     .help = "Whether listeners answer a SYN without keeping anything of it (RFC 4987). auto: once the backlog is "    \
             "full, or handshakes take half of limits.connections; always; off: beyond the backlog SYNs are dropped."}
#define TCP_ROWS(STANDS)                                                                                               \
    {.name = "congestion_control", .type = &conf_type_enum, .words = congestion_words, IN_TCP(congestion),             \
     STANDS("cubic"),                                                                                                  \
     .help = "How fast connections send. cubic: RFC 9438; newreno: RFC 5681."},                                        \
    {.name = "ecn", .type = &conf_type_enum, .words = ecn_words, IN_TCP(ecn), STANDS("accept"),                        \
     .help = "Explicit congestion notification (RFC 3168). accept: agreed to when the peer asks; ask: asked for too "  \
             "when Sluice connects."},                                                                                 \
    {.name = "pacing", .type = &conf_type_enum, .words = switch_words, IN_TCP(pacing), STANDS("off"),                  \
     .help = "Whether the segments of a window are spread over the round trip instead of sent at once."},              \
    {.name = "nagle", .type = &conf_type_enum, .words = switch_words, IN_TCP(nagle), STANDS("off"),                    \
     .help = "Whether a small segment waits as long as something is unacknowledged (RFC 9293 3.7.4). Off is what TLS " \
             "wants."},                                                                                                \
    {.name = "receive_buffer", .type = &conf_type_size, IN_TCP(receive_buffer_bytes), .min = 4 * KIB,                  \
     .max = 1024 * MIB, STANDS(RECEIVE_BUFFER),                                                                        \
     .help = "The most that one connection holds of what was received and not yet passed on. The window begins with "   \
             "64K and grows with what a round trip brings, as far as memory allows. The window scale follows from "    \
             "this value."},                                                                                           \
    {.name = "send_buffer", .type = &conf_type_size, IN_TCP(send_buffer_bytes), .min = 32 * KIB,                       \
     .max = 1024 * MIB, STANDS(SEND_BUFFER),                                                                           \
     .help = "The most that one connection holds of what is to be sent or not yet acknowledged. It begins with 64K "    \
             "and is twice the congestion window after that."},                                                        \
    {.name = "keepalive", .type = &conf_type_duration, IN_TCP(keepalive_ns), .max = 365 * DAY, STANDS("2h"),           \
     .help = "A peer that is silent for so long is probed (RFC 1122 4.2.3.6); 0: never."},                             \
    {.name = "keepalive_interval", .type = &conf_type_duration, IN_TCP(keepalive_interval_ns), .min = S, .max = DAY,   \
     STANDS("75s"),                                                                                                    \
     .help = "Time between two probes."},                                                                              \
    {.name = "keepalive_probes", .type = &conf_type_count, IN_TCP(keepalive_probes), .min = 1, .max = 100,             \
     STANDS("10"),                                                                                                     \
     .help = "After so many probes without an answer the connection is reset."},                                       \
    {.name = "user_timeout", .type = &conf_type_duration, IN_TCP(user_timeout_ns), .min = S, .max = 7 * DAY,           \
     STANDS("120s"),                                                                                                   \
     .help = "A peer that for so long acknowledges nothing of what it was sent, or keeps its window shut, is reset "   \
             "(RFC 9293 3.8.3). RFC 1122 wants no less than 100 s."}

#define RECEIVE_BUFFER "4M"
#define SEND_BUFFER "4M"

static const struct conf_key tcp_keys[] = {
    TCP_ROWS(AT_TOP),
    TCP_COOKIES_ROW(AT_TOP),
    {.name = "time_wait", .type = &conf_type_duration, IN_TCP(time_wait_ns), .min = S, .max = 240 * S, .def = "60s",
     .flags = CONF_RESTART,
     .help = "How long the end of a connection is remembered (TIME-WAIT, 2 MSL), and how long a closed connection waits "
             "for the peer's FIN. RFC 9293 says 4 min; a new connection may reuse the ports earlier (RFC 6191)."},
    {.name = "min_rto", .type = &conf_type_duration, IN_TCP(min_rto_ns), .min = 10 * MS, .max = 3 * S, .def = "200ms",
     .flags = CONF_RESTART,
     .help = "The least that a retransmission waits for. RFC 6298 says 1 s; 200 ms is what most systems do. Peers may "
             "hold an ACK back for up to 500 ms, often 40: less than that sends again what had arrived."},
    {0},
};
static const struct conf_key tcp_listener_keys[] = {TCP_ROWS(BELOW), TCP_COOKIES_ROW(BELOW), {0}};
static const struct conf_key tcp_upstream_keys[] = {TCP_ROWS(BELOW), {0}};

static const struct conf_key certificate_keys[] = {
    {.name = "name", .type = &conf_type_name, .offset = offsetof(struct sl_conf_certificate, name),
     .max = NAME_MAX_BYTES, .example = "site", .flags = CONF_REQUIRED, .facts = CONF_FACT_CERTIFICATES,
     .help = "What listeners call the certificate."},
    {.name = "chain", .type = &conf_type_path, .offset = offsetof(struct sl_conf_certificate, chain), .max = 4095,
     .example = "site.crt", .flags = CONF_REQUIRED,
     .help = "PEM file: the certificate, then those that lead to a root. Read again at each reload."},
    {.name = "key", .type = &conf_type_path, .offset = offsetof(struct sl_conf_certificate, key), .max = 4095,
     .example = "site.key", .flags = CONF_REQUIRED,
     .help = "PEM file of the private key. Read again at each reload."},
    {0},
};

static const struct conf_key tls_keys[] = {
    {.name = "name", .type = &conf_type_name, .offset = offsetof(struct sl_conf_tls, name), .max = NAME_MAX_BYTES,
     .example = "strict", .flags = CONF_REQUIRED, .facts = CONF_FACT_TLS,
     .help = "What listeners call these settings. modern and intermediate are there without being written: each is the "
             "policy of its name and nothing else."},
    {.name = "policy", .type = &conf_type_enum, .words = conf_policy_words,
     .offset = offsetof(struct sl_conf_tls, policy), .def = "intermediate", .facts = CONF_FACT_TLS_ENTRY,
     .help = "Where versions, suites and groups come from unless they are given below, after Mozilla's Server Side TLS. "
             "modern: TLS 1.3 only; intermediate: 1.3 and 1.2."},
    {.name = "versions", .type = &conf_type_enum, .words = version_words,
     LIST_OF(sl_conf_tls, versions, SL_TLS_VERSION_COUNT), .example = "[1.2, 1.3]", .flags = CONF_UNIQUE | CONF_SOME,
     .facts = CONF_FACT_TLS_ENTRY,
     .help = "Versions of TLS instead of the policy's."},
    {.name = "suites", .type = &conf_type_enum, .words = cipher_words, LIST_OF(sl_conf_tls, suites, SL_CIPHER_COUNT),
     .example = "[aes128-gcm, aes256-gcm, chacha20-poly1305]", .flags = CONF_UNIQUE | CONF_SOME,
     .help = "Ciphers instead of the policy's, the preferred first, in each version (TLS 1.2: with ECDHE only). A client "
             "that puts ChaCha20 first gets it first."},
    {.name = "groups", .type = &conf_type_enum, .words = group_words, LIST_OF(sl_conf_tls, groups, SL_GROUP_COUNT),
     .example = "[x25519, p256, p384]", .flags = CONF_UNIQUE | CONF_SOME,
     .help = "Groups of the key exchange instead of the policy's, the preferred first."},
    {.name = "unknown_sni", .type = &conf_type_enum, .words = unknown_sni_words,
     .offset = offsetof(struct sl_conf_tls, unknown_sni), .def = "default",
     .help = "What a client gets that asks for a name of no certificate. default: the listener's first certificate; "
             "refuse: the alert unrecognized_name. A client that names none gets the first certificate always."},
    {.name = "client_certificates", .type = &conf_type_enum, .words = clients_words,
     .offset = offsetof(struct sl_conf_tls, clients), .def = "off", .facts = CONF_FACT_TLS_ENTRY,
     .help = "Whether clients are asked for a certificate. optional: one that is shown must be good; required: one must "
             "be shown. Needs client_ca."},
    {.name = "client_ca", .type = &conf_type_path, .offset = offsetof(struct sl_conf_tls, client_ca), .max = 4095,
     .example = "clients-ca.pem", .flags = CONF_ASIDE, .facts = CONF_FACT_TLS_ENTRY,
     .help = "PEM file of the authorities that clients' certificates must lead to. Read again at each reload."},
    {.name = "client_crl", .type = &conf_type_path, .offset = offsetof(struct sl_conf_tls, client_crl), .max = 4095,
     .example = "clients-crl.pem", .flags = CONF_ASIDE, .facts = CONF_FACT_TLS_ENTRY,
     .help = "PEM file of lists of clients' certificates that were revoked. Read again at each reload."},
    {.name = "tickets", .type = &conf_type_enum, .words = switch_words, .offset = offsetof(struct sl_conf_tls, tickets),
     .def = "on", .facts = CONF_FACT_TLS_ENTRY,
     .help = "Whether clients get tickets, with which their next handshake is short."},
    {.name = "ticket_keys", .type = &conf_type_path, .offset = offsetof(struct sl_conf_tls, ticket_keys), .max = 4095,
     .example = "tickets.keys", .flags = CONF_ASIDE, .facts = CONF_FACT_TLS_ENTRY,
     .help = "File of the keys that seal tickets, the same on all machines that serve the same names. `sluice "
             "--ticket-keys > FILE` makes one, `sluicectl tickets rotate` makes its next key the current one. Without a "
             "file the process makes keys that nobody else has, and rotates them every 12 hours."},
    {.name = "ticket_lifetime", .type = &conf_type_duration, .offset = offsetof(struct sl_conf_tls, ticket_lifetime_ns),
     .min = 60 * S, .max = 7 * DAY, .def = "1d", .facts = CONF_FACT_TLS_ENTRY,
     .help = "How long a ticket can be used. It can't outlive its key either, which the second rotation after it forgets."},
    {.name = "keylog", .type = &conf_type_path, .offset = offsetof(struct sl_conf_tls, keylog), .max = 4095,
     .example = "/tmp/sluice.keys", .flags = CONF_ASIDE,
     .help = "File to which every connection's secrets are appended, in the format of SSLKEYLOGFILE: whoever reads it "
             "reads the connections. For debugging only."},
    {0},
};

static const struct conf_key upstream_keys[] = {
    {.name = "name", .type = &conf_type_name, .offset = offsetof(struct sl_conf_upstream, name), .max = NAME_MAX_BYTES,
     .example = "app", .flags = CONF_REQUIRED, .facts = CONF_FACT_UPSTREAMS,
     .help = "What listeners call the upstream."},
    {.name = "servers", .type = &conf_type_endpoint, LIST_OF(sl_conf_upstream, servers, 1024),
     .example = "[\"198.18.1.2:8080\"]", .flags = CONF_REQUIRED,
     .help = "The servers, taken in turn."},
    {.name = "sources", .type = &conf_type_address, LIST_OF(sl_conf_upstream, sources, 1024),
     .example = "[198.18.0.10]", .flags = CONF_UNIQUE,
     .help = "Own addresses to connect from. Without them: the first of the server's family on the interface that "
             "leads to it."},
    {.name = "ports", .type = &conf_type_ports, .offset = offsetof(struct sl_conf_upstream, lport_min), .min = 1,
     .max = 65535, .def = "1024-65535",
     .help = "Local TCP ports to connect from."},
    {.name = "connect_timeout", .type = &conf_type_duration,
     .offset = offsetof(struct sl_conf_upstream, connect_timeout_ns),
     .min = MS, .max = DAY, .def = "3s",
     .help = "How long a server may take to accept before the next is tried."},
    {.name = "retry_dead", .type = &conf_type_duration, .offset = offsetof(struct sl_conf_upstream, retry_dead_ns),
     .max = DAY, .def = "10s",
     .help = "How long a server that failed is passed over."},
    {.name = "tcp", .section = &conf_tcp_upstream_section, .offset = offsetof(struct sl_conf_upstream, tcp),
     .help = "TCP of the connections to this upstream where it differs from tcp at the top."},
    {0},
};

/* clang-format on */
static const struct conf_section certificate_section, upstream_section;

/* clang-format off */
static const struct conf_key listener_keys[] = {
    {.name = "name", .type = &conf_type_name, .offset = offsetof(struct sl_conf_listener, name), .max = NAME_MAX_BYTES,
     .example = "https", .flags = CONF_REQUIRED,
     .help = "What logs and statistics call the listener."},
    {.name = "address", .type = &conf_type_endpoint, LIST_OF(sl_conf_listener, addresses, 4096),
     .example = "[\"198.18.0.10:443\", \"[2001:db8:1::10]:443\"]", .flags = CONF_REQUIRED,
     .help = "Where it listens: addresses of interfaces, each with a TCP port."},
    {.name = "protocol", .type = &conf_type_enum, .words = protocol_words,
     .offset = offsetof(struct sl_conf_listener, protocol), .def = "tls",
     .facts = CONF_FACT_LISTENER,
     .help = "tls: clients speak TLS, the upstream gets plaintext; tcp: bytes are passed on as they are."},
    {.name = "certificates", .type = &conf_type_ref, .section = &certificate_section,
     LIST_OF(sl_conf_listener, certificates, 65536), .example = "[site]", .flags = CONF_TLS,
     .facts = CONF_FACT_LISTENER,
     .help = "Names of certificates, at least one for tls. The client's SNI picks among them; the first serves all "
             "others."},
    {.name = "tls", .type = &conf_type_ref, .section = &conf_tls_section,
     .offset = offsetof(struct sl_conf_listener, tls), .def = "intermediate", .flags = CONF_TLS,
     .help = "How TLS is spoken: a name of the section tls, or modern or intermediate."},
    {.name = "upstream", .type = &conf_type_ref, .section = &upstream_section,
     .offset = offsetof(struct sl_conf_listener, upstream), .example = "app", .flags = CONF_REQUIRED,
     .help = "Name of the upstream that clients are passed to."},
    {.name = "alpn", .type = &conf_type_text, LIST_OF(sl_conf_listener, alpn, 16), .max = 255, .def = "http/1.1",
     .flags = CONF_TLS | CONF_UNIQUE,
     .help = "Application protocols to agree on (RFC 7301), the preferred first."},
    {.name = "handshake_timeout", .type = &conf_type_duration,
     .offset = offsetof(struct sl_conf_listener, handshake_timeout_ns), .min = 10 * MS, .max = DAY, .def = "10s",
     .flags = CONF_TLS,
     .help = "How long a client may take for its TLS handshake."},
    {.name = "idle_timeout", .type = &conf_type_duration, .offset = offsetof(struct sl_conf_listener, idle_timeout_ns),
     .max = 365 * DAY, .def = "10min",
     .help = "A connection on which no byte goes either way for so long is ended; 0: never."},
    {.name = "backlog", .type = &conf_type_count, .offset = offsetof(struct sl_conf_listener, backlog), .min = 1,
     .max = 1u << 20, .def = "1024",
     .help = "Connections per worker whose TCP handshake is not done (SYN-RCVD). Beyond, tcp.syn_cookies says what happens."},
    {.name = "tcp", .section = &conf_tcp_listener_section, .offset = offsetof(struct sl_conf_listener, tcp),
     .help = "TCP of the connections of this listener where it differs from tcp at the top."},
    {0},
};

static const struct conf_section dpdk_section = {
    .keys = dpdk_keys, .mark_offset = IN(dpdk, mark)};
static const struct conf_section workers_section = {
    .keys = workers_keys, .mark_offset = IN(workers, mark)};
static const struct conf_section limits_section = {
    .keys = limits_keys, .mark_offset = IN(limits, mark)};
static const struct conf_section control_section = {
    .keys = control_keys, .mark_offset = IN(control, mark)};

#define TCP_SECTION(table) {.keys = table, .mark_offset = offsetof(struct sl_conf_tcp, mark), .check = conf_check_tcp}
static const struct conf_section tcp_section = TCP_SECTION(tcp_keys);
const struct conf_section conf_tcp_listener_section = TCP_SECTION(tcp_listener_keys);
const struct conf_section conf_tcp_upstream_section = TCP_SECTION(tcp_upstream_keys);

#define LISTED(type, field)                                                                                            \
    .size_bytes = sizeof(struct type), .mark_offset = offsetof(struct type, mark),                                     \
    .list_offset = offsetof(struct sl_conf, field), .count_offset = offsetof(struct sl_conf, n_##field)

static const struct conf_section interface_section = {
    .keys = interface_keys, LISTED(sl_conf_interface, interfaces), .what = "interface",
    .check = conf_check_interface};
static const struct conf_section certificate_section = {
    .keys = certificate_keys, LISTED(sl_conf_certificate, certificates), .what = "certificate",
    .check = conf_certificate_read};
const struct conf_section conf_tls_section = {
    .keys = tls_keys, LISTED(sl_conf_tls, tls), .what = "TLS settings",
    .check = conf_check_tls};
static const struct conf_section upstream_section = {
    .keys = upstream_keys, LISTED(sl_conf_upstream, upstreams), .what = "upstream",
    .check = conf_check_upstream};
static const struct conf_section listener_section = {
    .keys = listener_keys, LISTED(sl_conf_listener, listeners), .what = "listener",
    .check = conf_check_listener};

static const struct conf_key root_keys[] = {
    {.name = "dpdk", .section = &dpdk_section, .offset = offsetof(struct sl_conf, dpdk),
     .help = "DPDK and the memory it takes."},
    {.name = "workers", .section = &workers_section, .offset = offsetof(struct sl_conf, workers),
     .help = "The cores that do the work."},
    {.name = "limits", .section = &limits_section, .offset = offsetof(struct sl_conf, limits),
     .help = "What a worker takes on at most, and for how long."},
    {.name = "control", .section = &control_section, .offset = offsetof(struct sl_conf, control),
     .help = "How a running Sluice is asked."},
    {.name = "tcp", .section = &tcp_section, .offset = offsetof(struct sl_conf, tcp),
     .help = "TCP of all connections. Listeners and upstreams may each say otherwise for their own, but for time_wait and "
             "min_rto; syn_cookies is for listeners only. A reload applies to connections opened after it."},
    {.name = "interfaces", .section = &interface_section, LIST_OF(sl_conf, interfaces, 64),
     .flags = CONF_REQUIRED | CONF_RESTART, .facts = CONF_FACT_ADDRESSES | CONF_FACT_GATEWAYS,
     .help = "The network devices with Sluice's own addresses."},
    {.name = "certificates", .section = &certificate_section, LIST_OF(sl_conf, certificates, 65536),
     .facts = CONF_FACT_CERTIFICATES,
     .help = "Certificates with their keys, for listeners to name."},
    {.name = "tls", .section = &conf_tls_section, LIST_OF(sl_conf, tls, 4096), .facts = CONF_FACT_TLS,
     .help = "How TLS is spoken, for listeners to name; without it they take the policy intermediate."},
    {.name = "upstreams", .section = &upstream_section, LIST_OF(sl_conf, upstreams, 65536),
     .flags = CONF_REQUIRED | CONF_SERVICE, .facts = CONF_FACT_UPSTREAMS,
     .help = "The servers behind Sluice, in groups for listeners to name."},
    {.name = "listeners", .section = &listener_section, LIST_OF(sl_conf, listeners, 4096),
     .flags = CONF_REQUIRED | CONF_SERVICE, .help = "What clients connect to."},
    {0},
};
/* clang-format on */

const struct conf_section conf_root = {
    .keys = root_keys, .size_bytes = sizeof(struct sl_conf), .mark_offset = SIZE_MAX};
