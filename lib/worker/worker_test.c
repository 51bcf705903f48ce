/* One worker on a wire in memory. On the other end a host of net and tcp alone is both the client and the origins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "helpers/helpers.h"
#include "worker/worker.h"

#define STREAMS_MAX 64
#define N_WORKERS 4
#define MY_ID 0 /* of the worker under test: the one that answers ARP; the others are not there */

struct host {
    struct sl_stats stats;
    struct sl_net *net;
    struct sl_tcp *tcp;
    struct rte_mempool *pool, *hdr_pool, *ref_pool;
    struct sl_ready ready;
    struct sl_stream *accepted[STREAMS_MAX];
    int accepted_at[STREAMS_MAX]; /* the origin's port */
    uint32_t n_accepted;
    struct sl_net_batch batch;
};

struct rig {
    uint64_t now;
    struct sl_steer steer;
    struct host host;
    struct sl_worker *worker;
    struct sl_conf *confs[8];
    uint32_t n_confs;
};

static struct rig *rig;
static int origin_ports[2] = {8080, 8081};

static const char head[] = "workers: { cores: [0] }\n"
                           "interfaces:\n"
                           "  - { name: front, device: \"vdev:null\", addresses: [198.18.0.10/24, 198.18.0.11/24] }\n";
static const char to_first[] =
    "upstreams:\n  - { name: app, servers: [\"198.18.0.2:8080\"] }\n"
    "listeners:\n  - { name: http, address: \"198.18.0.10:80\", protocol: tcp, upstream: app }\n";
static const char to_second[] =
    "upstreams:\n  - { name: app, servers: [\"198.18.0.2:8081\"] }\n"
    "listeners:\n  - { name: http, address: \"198.18.0.10:80\", protocol: tcp, upstream: app }\n";
static const char elsewhere[] =
    "upstreams:\n  - { name: app, servers: [\"198.18.0.2:8080\"] }\n"
    "listeners:\n  - { name: http, address: \"198.18.0.10:81\", protocol: tcp, upstream: app }\n";
static const char from_second_address[] =
    "upstreams:\n  - { name: app, servers: [\"198.18.0.2:8080\"], sources: [198.18.0.11] }\n"
    "listeners:\n  - { name: http, address: \"198.18.0.10:80\", protocol: tcp, upstream: app }\n";
static const char few_ports[] =
    "upstreams:\n  - { name: app, servers: [\"198.18.0.2:8080\"], ports: 20000-20019 }\n"
    "listeners:\n  - { name: http, address: \"198.18.0.10:80\", protocol: tcp, upstream: app }\n";

static struct sl_net_iface_conf iface_of(const char *ip, const char *ip2, uint8_t mac)
{
    struct sl_net_iface_conf c = {.name = "wire", .mac = {{2, 0, 0, 0, 0, mac}}, .mtu = 1500, .n_addrs = ip2 ? 2 : 1};

    assert_true(sl_ip_parse(ip, &c.addrs[0].ip));
    c.addrs[0].prefix_bits = 24;
    if (ip2)
        assert_true(sl_ip_parse(ip2, &c.addrs[1].ip));
    c.addrs[1].prefix_bits = 24;
    return c;
}

static void make_host(struct host *h)
{
    struct sl_net_iface_conf iface = iface_of("198.18.0.2", NULL, 2);
    struct sl_net_params net = {.ifaces = &iface, .n_ifaces = 1, .answers = true, .stats = &h->stats, .seed = 7};
    struct sl_tcp_params tcp = {.stats = &h->stats,
                                .conns_max = 256,
                                .time_wait_max = 256,
                                .held_max_bytes = 4 << 20,
                                .seed = 8,
                                .time_wait_ns = SL_NS_PER_S};

    h->pool = net.pool = th_pool("host", 4095, 2048);
    h->hdr_pool = th_pool("host_hdr", 1023, 128);
    h->ref_pool = th_pool("host_ref", 1023, 0);
    assert_int_equal(sl_net_create(&net, &h->net, NULL), 0);
    tcp.net = h->net;
    tcp.hdr_pool = h->hdr_pool;
    tcp.ref_pool = h->ref_pool;
    assert_int_equal(sl_tcp_create(&tcp, rig->now, &h->tcp, NULL), 0);
    sl_ready_init(&h->ready);
    for (int i = 0; i < 2; i++) {
        struct sl_endpoint at = {.ip = iface.addrs[0].ip, .port = (uint16_t)origin_ports[i]};
        struct sl_tcp_listener *l;

        assert_int_equal(sl_tcp_listen(h->tcp, &at, &(struct sl_tcp_opts){0}, 64, &h->ready, &origin_ports[i], &l), 0);
    }
}

static int setup(void **state)
{
    struct sl_net_iface_conf iface = iface_of("198.18.0.10", "198.18.0.11", 1);
    struct sl_worker_params params = {.id = MY_ID,
                                      .n_workers = N_WORKERS,
                                      .socket = SOCKET_ID_ANY,
                                      .ifaces = &iface,
                                      .n_ifaces = 1,
                                      .conns_max = 64,
                                      .handshakes_max = 8,
                                      .mbufs = 4096,
                                      .seed = 1,
                                      .time_wait_ns = SL_NS_PER_S};
    static uint8_t key[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
                              0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0};
    struct sl_err err = {""};

    rig = calloc(1, sizeof *rig);
    rig->now = 1000 * SL_NS_PER_S;
    sl_worker_thread_is(MY_ID);
    assert_int_equal(sl_crypto_thread_start(&err), 0);
    assert_int_equal(sl_steer_init(&rig->steer, key, sizeof key, NULL, 0, N_WORKERS), 0);
    params.steer = &rig->steer;
    make_host(&rig->host);
    if (sl_worker_create(&params, rig->now, &rig->worker, &err) < 0)
        fail_msg("%s", err.text);
    return 0;
}

static int teardown(void **state)
{
    sl_worker_destroy(rig->worker);
    sl_tcp_destroy(rig->host.tcp);
    sl_net_destroy(rig->host.net);
    th_pool_free(rig->host.pool);
    th_pool_free(rig->host.hdr_pool);
    th_pool_free(rig->host.ref_pool);
    for (uint32_t i = 0; i < rig->n_confs; i++)
        sl_conf_free(rig->confs[i]);
    sl_steer_free(&rig->steer);
    sl_crypto_thread_stop();
    free(rig);
    return 0;
}

/* ---- the wire ---- */

static void host_takes(struct host *h)
{
    struct sl_stream *s;
    uint8_t events;

    while ((s = sl_ready_take(&h->ready, &events))) {
        if (s->owner && events & SL_STREAM_OPEN && h->n_accepted < STREAMS_MAX) {
            h->accepted_at[h->n_accepted] = *(int *)s->owner;
            h->accepted[h->n_accepted++] = s;
            s->owner = NULL;
        }
    }
}

static void finish(struct rte_mbuf **frames, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        sl_net_finish(frames[i]);
}

static void step(void)
{
    struct rte_mbuf *frames[SL_NET_BURST];
    struct sl_worker_time t = {.now = rig->now, .wall_s = 1};
    struct host *h = &rig->host;
    uint32_t n;

    while ((n = sl_net_tx(h->net, 0, frames, SL_NET_BURST))) {
        finish(frames, n);
        sl_worker_input(rig->worker, 0, frames, n, &t);
    }
    sl_worker_run(rig->worker, &t);
    while ((n = sl_worker_output(rig->worker, 0, frames, SL_NET_BURST))) {
        finish(frames, n);
        h->batch.n_segs = h->batch.n_errs = 0;
        sl_net_input(h->net, 0, frames, n, rig->now, &h->batch);
        sl_tcp_input(h->tcp, &h->batch, rig->now);
    }
    host_takes(h);
    sl_tcp_output(h->tcp, rig->now);
    sl_tcp_timers(h->tcp, rig->now);
    sl_net_timers(h->net, rig->now);
}

static void run_ms(uint32_t ms)
{
    for (uint64_t until = rig->now + ms * SL_NS_PER_MS; rig->now < until; rig->now += SL_NS_PER_MS / 4)
        step();
}

/* ---- what the control thread says ---- */

static int ask(struct sl_worker_msg *msg)
{
    assert_int_equal(sl_worker_post(rig->worker, msg), 0);
    step();
    assert_int_equal(msg->done, 1);
    return msg->result;
}

static int apply(const char *text, uint64_t generation)
{
    struct sl_worker_msg *msg = calloc(1, sizeof *msg);
    struct sl_conf_errors errs;
    char all[2048], line[512];
    int code;

    snprintf(all, sizeof all, "%s%s", head, text);
    msg->kind = SL_MSG_APPLY;
    msg->conf = rig->confs[rig->n_confs] = sl_conf_parse(all, strlen(all), "test.yaml", NULL, NULL, &errs);
    if (!msg->conf)
        fail_msg("%s", sl_conf_error_format(&errs, 0, line, sizeof line));
    rig->n_confs++;
    msg->generation = generation;
    code = ask(msg);
    free(msg);
    return code;
}

static int order(enum sl_worker_msg_kind kind)
{
    struct sl_worker_msg *msg = calloc(1, sizeof *msg);
    int code;

    msg->kind = kind;
    code = ask(msg);
    free(msg);
    return code;
}

/* ---- clients ---- */

static struct sl_stream *call_at(uint16_t rport)
{
    static uint16_t lport = 30000;
    struct sl_endpoint local = {.port = ++lport}, remote = {.port = rport};
    struct sl_stream *s;
    int why = 0;

    sl_ip_parse("198.18.0.2", &local.ip);
    sl_ip_parse("198.18.0.10", &remote.ip);
    s = sl_tcp_connect(rig->host.tcp, &local, &remote, &(struct sl_tcp_opts){0}, &rig->host.ready, NULL, rig->now,
                       &why);
    assert_non_null(s);
    return s;
}

/* A client whose connection has reached an origin; its end there is the last one accepted. */
static struct sl_stream *call(void)
{
    uint32_t before = rig->host.n_accepted;
    struct sl_stream *s = call_at(80);

    run_ms(20);
    assert_true(s->state & SL_STREAM_OPEN);
    assert_int_equal(rig->host.n_accepted, before + 1);
    return s;
}

static struct sl_stream *origin_end(void) { return rig->host.accepted[rig->host.n_accepted - 1]; }

static void say(struct sl_stream *s, const char *text)
{
    struct rte_mbuf *m = rte_pktmbuf_alloc(rig->host.pool);
    uint16_t len = (uint16_t)strlen(text);
    struct sl_slice slice = {.mbuf = m, .off = m->data_off, .len = len};

    memcpy(rte_pktmbuf_append(m, len), text, len);
    assert_int_equal(s->ops->send(s, &slice, 1), 0);
}

static bool hears(struct sl_stream *s, const char *text)
{
    struct sl_slice slice;
    bool same;

    if (s->ops->recv(s, &slice, 1, 2048) != 1)
        return false;
    same = slice.len == strlen(text) && memcmp(sl_slice_data(&slice), text, slice.len) == 0;
    sl_slice_free(&slice);
    return same;
}

static void hang_up(struct sl_stream *s)
{
    s->ops->shutdown(s);
    s->ops->release(s);
}

static void hang_up_both(struct sl_stream *client, struct sl_stream *origin)
{
    hang_up(client);
    run_ms(20);
    hang_up(origin);
    run_ms(20);
}

static struct sl_facts facts_of(struct sl_stream *s)
{
    struct sl_facts f;

    s->ops->facts(s, &f);
    return f;
}

/* ---- tests ---- */

static void connection_is_forwarded_to_its_origin(void **state)
{
    struct sl_stream *client;

    assert_int_equal(apply(to_first, 1), 0);
    client = call();
    say(client, "question");
    run_ms(20);
    assert_true(hears(origin_end(), "question"));
    say(origin_end(), "answer");
    run_ms(20);
    assert_true(hears(client, "answer"));
    hang_up_both(client, origin_end());
    assert_int_equal(sl_worker_busy(rig->worker), 0);
}

static void replies_of_origins_come_home(void **state)
{
    assert_int_equal(apply(to_first, 1), 0);
    for (int i = 0; i < 20; i++) {
        struct sl_facts f;

        call();
        f = facts_of(origin_end());
        assert_int_equal(sl_steer_worker(&rig->steer, &f.peer.ip, f.peer.port, &f.local.ip, f.local.port), MY_ID);
    }
}

static void origin_is_dialled_from_the_source_that_is_asked_for(void **state)
{
    char text[SL_IP_TEXT_MAX];
    struct sl_facts f;

    assert_int_equal(apply(from_second_address, 1), 0);
    call();
    f = facts_of(origin_end());
    assert_string_equal(sl_ip_format(&f.peer.ip, text), "198.18.0.11");
}

/* The range has few ports whose replies come here: each is used once, then the client is sent away. */
static void ports_are_from_the_range_and_used_once(void **state)
{
    const struct sl_stats *stats = sl_worker_stats(rig->worker);
    bool used[20] = {false};
    uint32_t usable = 0;
    struct sl_ip us, origin;
    struct sl_stream *client;

    sl_ip_parse("198.18.0.10", &us);
    sl_ip_parse("198.18.0.2", &origin);
    for (uint16_t p = 20000; p < 20020; p++)
        usable += sl_steer_worker(&rig->steer, &us, p, &origin, 8080) == MY_ID;
    assert_in_range(usable, 1, 19);
    assert_int_equal(apply(few_ports, 1), 0);
    for (uint32_t i = 0; i < usable; i++) {
        uint16_t port;

        call();
        port = facts_of(origin_end()).peer.port;
        assert_in_range(port, 20000, 20019);
        assert_false(used[port - 20000]);
        used[port - 20000] = true;
    }
    client = call_at(80);
    run_ms(20);
    assert_int_equal(stats->ctr[SL_CTR_WORKER_DIAL_NO_PORT], 1);
    assert_true(client->state & SL_STREAM_EOF);
    assert_false(client->state & SL_STREAM_CLOSED);
    assert_int_equal(rig->host.n_accepted, usable);
}

static void new_generation_is_for_new_connections(void **state)
{
    struct sl_stream *old, *old_origin, *fresh;

    assert_int_equal(apply(to_first, 1), 0);
    assert_int_equal(sl_worker_oldest_generation(rig->worker), 1);
    old = call();
    old_origin = origin_end();
    assert_int_equal(apply(to_second, 2), 0);
    fresh = call();
    assert_int_equal(rig->host.accepted_at[0], 8080);
    assert_int_equal(rig->host.accepted_at[1], 8081);
    assert_int_equal(sl_worker_oldest_generation(rig->worker), 1); /* the old pair still lives by it */
    say(old, "still here");
    run_ms(20);
    assert_true(hears(old_origin, "still here"));
    hang_up_both(old, old_origin);
    assert_int_equal(sl_worker_oldest_generation(rig->worker), 2);
    assert_true(fresh->state & SL_STREAM_OPEN);
}

struct windows {
    uint32_t front, back;
};

static void note_window(void *ctx, const struct sl_tcp_info *info)
{
    struct windows *w = ctx;

    *(info->passive ? &w->back : &w->front) = info->snd_wnd_bytes;
}

/* As the worker's peers see them: of the connections of a client and to an origin. */
static struct windows windows(void)
{
    struct windows w = {0};
    uint32_t position = 0;

    while (sl_tcp_each(rig->host.tcp, &position, UINT32_MAX, note_window, &w))
        ;
    return w;
}

static const char with_tcp[] =
    "tcp: { receive_buffer: 12K }\n"
    "upstreams: [ { name: app, servers: \"198.18.0.2:8080\", tcp: { receive_buffer: %s } } ]\n"
    "listeners:\n  - { name: http, address: \"198.18.0.10:80\", protocol: tcp, upstream: app }\n";

static void settings_of_tcp_reach_new_connections(void **state)
{
    struct sl_stream *client;
    char text[512];

    snprintf(text, sizeof text, with_tcp, "20K");
    assert_int_equal(apply(text, 1), 0);
    client = call();
    assert_int_equal(windows().front, 12 << 10);
    assert_int_equal(windows().back, 20 << 10);
    hang_up_both(client, origin_end());
    run_ms(1100);
    snprintf(text, sizeof text, with_tcp, "24K");
    memcpy(strstr(text, "12K"), "16K", 3);
    assert_int_equal(apply(text, 2), 0);
    client = call();
    assert_int_equal(windows().front, 16 << 10);
    assert_int_equal(windows().back, 24 << 10);
    hang_up_both(client, origin_end());
}

static void generation_that_nothing_uses_goes_at_once(void **state)
{
    assert_int_equal(apply(to_first, 1), 0);
    assert_int_equal(apply(to_second, 5), 0);
    run_ms(1);
    assert_int_equal(sl_worker_oldest_generation(rig->worker), 5);
    assert_int_equal(sl_worker_stats(rig->worker)->ctr[SL_CTR_WORKER_GENERATIONS], 1);
}

static void generation_that_is_not_newer_is_refused(void **state)
{
    assert_int_equal(apply(to_first, 3), 0);
    assert_true(apply(to_second, 3) < 0);
    call();
    assert_int_equal(rig->host.accepted_at[0], 8080);
}

static void address_that_is_gone_refuses_and_keeps_its_connections(void **state)
{
    struct sl_stream *old, *refused, *fresh;

    assert_int_equal(apply(to_first, 1), 0);
    old = call();
    assert_int_equal(apply(elsewhere, 2), 0);
    refused = call_at(80);
    fresh = call_at(81);
    run_ms(20);
    assert_int_equal(refused->reason, SL_REASON_REFUSED);
    assert_true(fresh->state & SL_STREAM_OPEN);
    say(old, "x");
    run_ms(20);
    assert_true(hears(rig->host.accepted[0], "x"));
}

static void drain_refuses_new_connections_and_waits_for_old_ones(void **state)
{
    struct sl_stream *old, *refused;

    assert_int_equal(apply(to_first, 1), 0);
    old = call();
    assert_int_equal(order(SL_MSG_DRAIN), 0);
    refused = call_at(80);
    run_ms(20);
    assert_int_equal(refused->reason, SL_REASON_REFUSED);
    assert_true(sl_worker_busy(rig->worker) > 0);
    assert_true(apply(to_second, 2) < 0);
    hang_up_both(old, origin_end());
    assert_int_equal(sl_worker_busy(rig->worker), 0);
}

static void abort_resets_both_ends_of_every_pair(void **state)
{
    struct sl_stream *client;

    assert_int_equal(apply(to_first, 1), 0);
    client = call();
    assert_int_equal(order(SL_MSG_ABORT), 0);
    run_ms(20);
    assert_int_equal(client->reason, SL_REASON_RESET);
    assert_int_equal(origin_end()->reason, SL_REASON_RESET);
}

static void connections_and_neighbours_are_listed(void **state)
{
    struct sl_worker_msg *msg = calloc(1, sizeof *msg);
    char text[SL_IP_TEXT_MAX];
    uint32_t passive = 0;

    assert_int_equal(apply(to_first, 1), 0);
    call();
    call();
    msg->kind = SL_MSG_CONNS;
    assert_int_equal(ask(msg), 0);
    assert_int_equal(msg->n, 4);
    assert_false(msg->more);
    for (uint32_t i = 0; i < msg->n; i++) {
        assert_string_equal(msg->conns[i].state, "ESTABLISHED");
        passive += msg->conns[i].passive;
    }
    assert_int_equal(passive, 2);
    *msg = (struct sl_worker_msg){.kind = SL_MSG_NEIGHBOURS};
    assert_int_equal(ask(msg), 0);
    assert_int_equal(msg->n, 1);
    assert_string_equal(sl_ip_format(&msg->neighbours[0].ip, text), "198.18.0.2");
    free(msg);
}

static void worker_at_rest_sleeps_and_a_message_wakes_it(void **state)
{
    struct sl_worker_msg *msg = calloc(1, sizeof *msg);

    assert_int_equal(apply(to_first, 1), 0);
    call();
    run_ms(3000);
    assert_true(sl_worker_next(rig->worker) > rig->now + 10 * SL_NS_PER_MS);
    msg->kind = SL_MSG_CONNS;
    assert_int_equal(sl_worker_post(rig->worker, msg), 0);
    assert_int_equal(sl_worker_next(rig->worker), 0);
    step();
    free(msg);
}

static void pools_take_no_more_than_they_were_given(void **state)
{
    uint32_t n = sl_worker_mbufs(64 << 20);

    assert_true(n > 20000); /* most of it is packets of 2 KiB, a quarter each are headers and references */
    assert_true(sl_worker_mbufs(128 << 20) > n && sl_worker_mbufs(128 << 20) < 2 * n + 8);
    assert_int_equal(sl_worker_mbufs(0), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(connection_is_forwarded_to_its_origin),
        T(replies_of_origins_come_home),
        T(origin_is_dialled_from_the_source_that_is_asked_for),
        T(ports_are_from_the_range_and_used_once),
        T(new_generation_is_for_new_connections),
        T(settings_of_tcp_reach_new_connections),
        T(generation_that_nothing_uses_goes_at_once),
        T(generation_that_is_not_newer_is_refused),
        T(address_that_is_gone_refuses_and_keeps_its_connections),
        T(drain_refuses_new_connections_and_waits_for_old_ones),
        T(abort_resets_both_ends_of_every_pair),
        T(connections_and_neighbours_are_listed),
        T(worker_at_rest_sleeps_and_a_message_wakes_it),
        T(pools_take_no_more_than_they_were_given),
    };

    return cmocka_run_group_tests(tests, th_eal_setup, th_leak_teardown);
}
