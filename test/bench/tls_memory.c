/* Memory per connection, by state: measured on the heap over many established streams of lib/tls (the client's side and the
 * bench's stream do not count), what handshakes in flight use of their fibers, and sizes of what tcp and proxy hold for the
 * same connection. OpenSSL's SSL object beside it. */
#include <malloc.h>

#include "proxy/internal.h"
#include "shake.h"
#include "tcp/conn.h"
#include "tcp/table.h"
#include "tls/conn.h"
#include "tls/fiber.h"

#define SNI_BYTES 16 /* "www.example.com" */

static double heap(void)
{
    struct mallinfo2 m = mallinfo2();

    return (double)(m.uordblks + m.hblkhd);
}

/* What malloc takes for a block. */
static double block(size_t bytes)
{
    void *p = malloc(bytes);
    double all = (double)malloc_usable_size(p) + sizeof(size_t);

    free(p);
    return all;
}

static void put(const char *name, const char *who, double bytes, const char *how)
{
    bm_figure(name);
    bm_text("who", who);
    bm_number("bytes", bytes);
    bm_text("how", how);
}

/* ---- established ---- */

/* OpenSSL's buffers between the two sides are the bench's. */
static void forget_client(struct bm_conn *c)
{
    bm_client_end(c);
    if (c->accepted) {
        SSL_set0_rbio(c->accepted, NULL);
        SSL_set0_wbio(c->accepted, NULL);
        c->to_server = c->from_server = NULL;
    } else {
        bm_pipe_trim(&c->pipe);
    }
}

/* Bytes of the heap per established connection. */
static double established(const struct bm_server_ops *ops, const struct bm_variant *v, uint32_t n)
{
    struct bm_shake s;
    uint32_t warm = SL_MIN(64u, n / 4);
    double before, per;

    bm_shake_open(&s, ops, v, n);
    for (uint32_t i = 0; i < warm; i++) {
        bm_shake_whole(&s, &s.conns[i]);
        forget_client(&s.conns[i]);
    }
    before = heap();
    for (uint32_t i = warm; i < n; i++) {
        bm_shake_whole(&s, &s.conns[i]);
        forget_client(&s.conns[i]);
    }
    per = (heap() - before) / (double)(n - warm);
    bm_shake_stop(&s);
    return per;
}

/* ---- in flight ---- */

/* OpenSSL: with the client's hello answered. */
static double openssl_in_flight(const struct bm_variant *v, uint32_t n)
{
    struct bm_shake s;
    uint32_t warm = n / 4;
    double before = 0;

    bm_shake_open(&s, &bm_server_openssl, v, n);
    for (uint32_t i = 0; i < n; i++) {
        struct bm_conn *c = &s.conns[i];

        if (i == warm)
            before = heap();
        bm_shake_begin(&s, c);
        bm_client_step(&s, c);
        bm_shake_serve(&s);
        bm_client_end(c);
        (void)BIO_reset(c->to_server);
    }
    before = (heap() - before) / (n - warm);
    bm_shake_stop(&s);
    return before;
}

static void in_flight(const struct bm_variant *v)
{
    struct sl_fiber_use use;
    struct bm_shake s;

    bm_shake_start(&s, &bm_server_sluice, v, 16, 0);
    sl_fiber_pool_use(bm_sluice_tls(s.server)->engines.fibers, &use);
    bm_shake_stop(&s);
    bm_figure("in flight");
    bm_text("variant", v->name);
    bm_text("who", "sluice");
    bm_number("bytes", (double)sizeof(struct sl_tls_conn) + use.stack_peak_bytes + use.arena_peak_bytes);
    bm_number("stack_peak", use.stack_peak_bytes);
    bm_number("arena_peak", use.arena_peak_bytes);
    bm_number("mapped", SL_FIBER_STACK_BYTES + SL_FIBER_ARENA_BYTES);
    bm_figure("in flight");
    bm_text("variant", v->name);
    bm_text("who", "openssl");
    bm_number("bytes", openssl_in_flight(v, 64));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *what;
        size_t bytes;
        bool heap;
    } parts[] = {{"tls connection", sizeof(struct sl_tls_conn), true},
                 {"name that the client sent", SNI_BYTES, true},
                 {"tcp connection, client's side", sizeof(struct conn), false},
                 {"tcp connection, origin's side", sizeof(struct conn), false},
                 {"exchange", sizeof(struct exchange), true},
                 {"two places in the table, half full", 2 * 2 * sizeof(struct bucket) / TABLE_SLOTS, false}};
    struct bm_options o;
    double sum = 0;
    uint32_t n;

    bm_start(&o, argc, argv);
    n = o.quick ? 64 : 10000;
    bm_begin("tls-memory");
    put("idle, TLS's part", "sluice", established(&bm_server_sluice, &bm_variants[0], n), "heap, measured");
    put("idle, TLS's part", "openssl", established(&bm_server_openssl, &bm_variants[0], n / 4), "heap, measured");
    for (uint32_t i = 0; i < SL_ARRAY_LEN(parts); i++) {
        double bytes = parts[i].heap ? block(parts[i].bytes) : (double)parts[i].bytes;

        put(parts[i].what, "sluice", bytes, parts[i].heap ? "size of a block of the heap" : "size");
        sum += bytes;
    }
    put("idle, in all", "sluice", sum, "the sum of these");
    put("expanded keys, a worker's cache", "sluice", 1024.0 * (sizeof(struct sl_aead_key) + sizeof(struct sl_key_slot)),
        "size");
    for (uint32_t i = 0; i < (o.quick ? 1 : bm_n_variants); i++)
        in_flight(&bm_variants[i]);
    bm_end();
    return 0;
}
