/* Bytes of a client against a TLS server in memory. Either the input is what the client sends, or it spoils what an honest client sends: then most of
 * the handshake, and records behind it, come into reach. The system's random is replaced by a constant, so that an input does the same every time.
 *
 * The honest client may show a certificate (what spoils it in 1.2 reaches the parser of chains), or resume a session.
 *
 * Input: a byte of flags, a byte with the size of the pieces, then bytes to be sent, or triples {offset, offset, xor}. */
#include "helpers/helpers.h"
#include "helpers/tls_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "crypto/crypto.h"

enum { HONEST = 1, FIN = 2, CUT = 4, OLD = 8, IMPATIENT = 16, FEW_BUFFERS = 32, CERTIFICATE = 64, RESUME = 128 };

#define ROUNDS 12

static struct th_rig rigs[2], *rig;     /* one of them asks for certificates */
static mbedtls_ssl_session sessions[2]; /* of 1.3, of 1.2 */
static char *client_pem;
static bool warm; /* certificates and tables that are made once stand */

ssize_t getrandom(void *buf, size_t len, unsigned flags)
{
    (void)flags;
    memset(buf, 0x42, len);
    return (ssize_t)len;
}

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "tls_fuzz: %s\n", what);
    abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void start(const struct th_cert_opts *cert, const struct th_cert_opts *ca)
{
    static char *ca_pem;
    static struct sl_conf_tls settings[2] = {
        {.policy = SL_POLICY_INTERMEDIATE, .tickets = SL_ON, .ticket_lifetime_ns = {.v = 86400 * SL_NS_PER_S}},
        {.policy = SL_POLICY_INTERMEDIATE, .clients = SL_CLIENTS_OPTIONAL}};

    ca_pem = th_cert_pem(ca);
    settings[1].client_ca_pem = (struct sl_conf_file){(uint8_t *)ca_pem, strlen(ca_pem) + 1};
    for (int i = 0; i < 2; i++)
        th_rig_start(&rigs[i], &(struct th_rig_opts){
                                   .certs = {cert}, .mbufs = 64, .handshakes_max = 4, .settings = &settings[i]});
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const names[] = {"www.example.com", NULL};
    static const struct th_cert_opts cert = {.key = TH_KEY_P256, .subject = "CN=p256", .names = names};
    static const struct th_cert_opts ca = {.key = TH_KEY_P384, .subject = "CN=clients", .ca = true};
    static const struct th_cert_opts client = {.key = TH_KEY_P256,
                                               .key_index = 1,
                                               .subject = "CN=a client",
                                               .issuer = "CN=clients",
                                               .issuer_key = TH_KEY_P384};
    static const uint8_t honest_ones[] = {0, OLD, CERTIFICATE, CERTIFICATE | OLD, RESUME, RESUME | OLD};

    (void)argc;
    (void)argv;
    th_tls_setup(NULL);
    client_pem = th_cert_pem(&client);
    start(&cert, &ca);
    for (unsigned i = 0; i < SL_ARRAY_LEN(honest_ones); i++)
        LLVMFuzzerTestOneInput((const uint8_t[]){(uint8_t)(HONEST | honest_ones[i]), 255}, 2);
    warm = true;
    must(th_rig_ctr(&rigs[0], SL_CTR_TLS_HANDSHAKES) == 4 && th_rig_ctr(&rigs[1], SL_CTR_TLS_HANDSHAKES) == 2,
         "an honest client is refused");
    must(th_rig_ctr(&rigs[0], SL_CTR_TLS_RESUMED) == 2 && th_rig_ctr(&rigs[1], SL_CTR_TLS_RESUMED) == 0,
         "sessions are not resumed");
    must(th_rig_ctr(&rigs[0], SL_CTR_TLS_TRUNCATED) == 0, "an honest client's end is not seen");
    return 0;
}

/* What a proxy would do with the stream: read, answer, close when the other side has. */
static void use(struct sl_stream **open, bool impatient)
{
    struct sl_stream *s = *open;
    uint8_t buf[4096];
    size_t n;

    if (!s)
        return;
    while ((n = th_rig_recv(s, buf, sizeof buf)))
        if (s->ops->credit(s) >= n)
            th_rig_send(rig, s, buf, n, 700);
    if (s->state & SL_STREAM_EOF)
        s->ops->shutdown(s);
    if (impatient || (s->state & SL_STREAM_CLOSED)) {
        s->ops->release(s);
        *open = NULL;
    }
}

static void turn(struct sl_stream **open, uint8_t flags)
{
    struct sl_stream *s;
    uint8_t events;

    th_rig_step(rig);
    while ((s = sl_ready_take(&rig->ready, &events)))
        if (events & SL_STREAM_OPEN)
            *open = s;
    use(open, flags & IMPATIENT);
}

static void feed(struct th_pipe *pipe, const uint8_t *bytes, size_t len, size_t piece, struct sl_stream **open,
                 uint8_t flags)
{
    for (size_t at = 0; at < len; at += piece) {
        th_pipe_feed(pipe, bytes + at, SL_MIN(piece, len - at));
        if (at / piece < 64) /* small pieces of much are fed without a look at each */
            turn(open, flags);
    }
    turn(open, flags);
}

/* An honest client's bytes, spoiled at some offsets of its stream. */
static void honest(struct th_pipe *pipe, struct sl_cursor *in, size_t piece, struct sl_stream **open, uint8_t flags)
{
    struct th_client_opts o = {.sni = "www.example.com",
                               .max = flags & OLD ? MBEDTLS_SSL_VERSION_TLS1_2 : MBEDTLS_SSL_VERSION_TLS1_3};
    struct th_client *c;
    mbedtls_ssl_session *session = &sessions[flags & OLD ? 1 : 0];
    uint8_t spoil[4096] = {0};
    size_t sent = 0;
    bool wrote = false;

    if (flags & CERTIFICATE) {
        o.cert_pem = client_pem;
        o.key = th_key(TH_KEY_P256, 1);
    }
    if (flags & RESUME)
        o.session = session;
    c = th_client_new(pipe, &o);
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(&c->conf,
                                                             MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
    while (sl_cursor_left(in) >= 3) {
        uint16_t at = sl_cursor_u16(in);

        spoil[at % sizeof spoil] ^= sl_cursor_u8(in);
    }
    for (int i = 0; i < ROUNDS && !c->error; i++) {
        uint8_t buf[4096];

        c->hold = true;
        if (!th_client_step(c)) {
            ;
        } else if (!wrote) {
            wrote = th_client_write(c, "GET / HTTP/1.1\r\n\r\n", 18);
        } else {
            int n = th_client_read(c, buf, sizeof buf);

            if (n > 0)
                mbedtls_ssl_close_notify(&c->ssl);
            if (n == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
                c->error = 0;
        }
        for (size_t k = 0; k < c->held.len; k++, sent++)
            c->held.p[k] ^= sent < sizeof spoil ? spoil[sent] : 0;
        feed(pipe, c->held.p, c->held.len, piece, open, flags);
        c->held.len = 0;
    }
    if (!warm && !(flags & (CERTIFICATE | RESUME)))
        must(mbedtls_ssl_get_session(&c->ssl, session) == 0, "no session");
    th_client_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sl_cursor in = sl_cursor_of(data, size);
    uint8_t flags = sl_cursor_u8(&in);
    size_t piece = (size_t)sl_cursor_u8(&in) * 8 + 1;
    uint64_t before = sl_crypto_memory()->now_bytes;
    struct rte_mbuf *taken[60];
    uint32_t n_taken = 0;
    struct sl_stream *open = NULL;
    struct th_pipe *pipe;
    struct sl_event ev;

    rig = &rigs[flags & CERTIFICATE ? 1 : 0];
    pipe = th_pipe_new(rig->feed_pool);

    while ((flags & FEW_BUFFERS) && n_taken < SL_ARRAY_LEN(taken))
        taken[n_taken++] = rte_pktmbuf_alloc(rig->pool);
    must(th_rig_accept(rig, pipe), "not accepted");
    if (flags & HONEST)
        honest(pipe, &in, piece, &open, flags);
    else
        feed(pipe, in.p, sl_cursor_left(&in), piece, &open, flags);
    if (flags & FIN)
        th_pipe_fin(pipe);
    if (flags & CUT)
        th_pipe_cut(pipe, SL_REASON_RESET);
    turn(&open, flags);
    while (n_taken)
        rte_pktmbuf_free(taken[--n_taken]);
    rig->now += SL_NS_PER_S;
    turn(&open, flags);
    if (open)
        open->ops->release(open);
    rig->now += 20 * SL_NS_PER_S;
    th_rig_step(rig); /* lets a handshake time out, or lingering end */
    must(pipe->released, "the stream below was not released");
    th_pipe_free(pipe);
    while (sl_event_take(rig->stats, &ev)) {
        char line[512];

        sl_event_format(&ev, line, sizeof line);
        for (const char *p = line; *p; p++)
            must(*p >= ' ' && *p < 127, "unprintable bytes in the log");
    }
    must(sl_tls_handshakes(rig->tls) == 0 && sl_tls_streams(rig->tls) == 0, "connections are left");
    must(rte_mempool_in_use_count(rig->pool) <= 24, "buffers are missing"); /* what the wire sets aside */
    must(rte_mempool_full(rig->feed_pool), "slices are missing");
    must(!warm || sl_crypto_memory()->now_bytes == before, "mbedTLS keeps memory");
    return 0;
}
