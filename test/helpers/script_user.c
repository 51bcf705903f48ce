/* The user's side of a segment script: listen, connect, read, write, and how connections end. */
#include "helpers/script_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define CHUNK 1777 /* bytes of a slice that u_write makes: no multiple of any MSS */

static struct script *const g = &g_script;

void on(uint32_t conn)
{
    assert(conn < SCRIPT_CONNS_MAX);
    g->current = conn;
}

struct sl_stream *u_stream(void) { return script_conn()->stream; }

static struct sl_stream *need_stream(const char *file, int line)
{
    script_run();
    if (!u_stream())
        script_fail(file, line, "there is no stream");
    return u_stream();
}

void u_listen_with(const struct sl_tcp_opts *opts, uint32_t backlog)
{
    static const struct sl_tcp_opts defaults;
    struct sl_endpoint local = {g->local, SCRIPT_LPORT};
    int rc = sl_tcp_listen(g->tcp, &local, opts ? opts : &defaults, backlog, &g->ready, g, &g->listener);

    if (rc)
        script_fail(__FILE__, __LINE__, "sl_tcp_listen: %d", rc);
}

void u_listen(const struct sl_tcp_opts *opts) { u_listen_with(opts, 16); }

void u_listen_update(const struct sl_tcp_opts *opts) { sl_tcp_listener_update(g->listener, opts, 16, &g->ready, g); }

void u_unlisten(void)
{
    sl_tcp_unlisten(g->listener);
    g->listener = NULL;
    script_run();
}

int u_connect(const struct sl_tcp_opts *opts)
{
    return u_connect_from((uint16_t)(SCRIPT_DIAL_LPORT + g->current), opts);
}

int u_connect_from(uint16_t lport, const struct sl_tcp_opts *opts)
{
    static const struct sl_tcp_opts defaults;
    struct script_conn *c = script_conn();
    struct sl_endpoint local = {g->local, lport}, remote = {g->remote, (uint16_t)(SCRIPT_RPORT + g->current)};
    int why = 0;
    struct sl_stream *s = sl_tcp_connect(g->tcp, &local, &remote, opts ? opts : &defaults, &g->ready, g, g->now, &why);

    if (!s)
        return why;
    *c = (struct script_conn){.used = true,
                              .lport = local.port,
                              .rport = remote.port,
                              .wnd = 65535,
                              .ws_ours = -1,
                              .ws_peer = -1,
                              .stream = s};
    c->peer_iss = g->world.peer_iss + g->current * 1000000;
    script_note("  connect");
    script_run();
    return 0;
}

void ts_accept_one(const char *file, int line, const char *options) { ts_accept_at(file, line, 0, options); }

void ts_accept_at(const char *file, int line, double rtt_ms, const char *options)
{
    ts_peer(file, line, "S 0 %s", options ? options : "mss 1000");
    ts_expect(file, line, 0, 2, "SA 0 ack 1");
    if (rtt_ms > 0)
        ts_after(file, line, rtt_ms);
    ts_peer(file, line, "A 1 ack 1");
    ts_state(file, line, "ESTABLISHED");
    ts_event(file, line, SL_STREAM_OPEN);
    ts_expect_nothing(file, line);
}

void ts_connect_one(const char *file, int line, const char *options)
{
    int rc = u_connect(NULL);

    if (rc)
        script_fail(file, line, "connect: %d", rc);
    ts_expect(file, line, 0, 2, "S 0");
    ts_peer(file, line, "SA 0 ack 1 %s", options ? options : "mss 1000");
    ts_expect(file, line, 0, 2, "A 1 ack 1");
    ts_state(file, line, "ESTABLISHED");
    ts_event(file, line, SL_STREAM_OPEN);
    ts_expect_nothing(file, line);
}

void ts_write(const char *file, int line, uint32_t n)
{
    struct sl_stream *s = need_stream(file, line);
    struct script_conn *c = script_conn();
    uint8_t bytes[CHUNK];

    script_note("  write %u", n);
    for (uint32_t done = 0; done < n;) {
        uint32_t len = SL_MIN(n - done, (uint32_t)CHUNK);
        struct sl_slice slice;
        int rc;

        for (uint32_t i = 0; i < len; i++)
            bytes[i] = script_pattern(false, c->written + i);
        slice = (struct sl_slice){th_mbuf_exact(g->frames_pool, bytes, len, 0), 0, (uint16_t)len};
        rc = s->ops->send(s, &slice, 1);
        if (rc)
            script_fail(file, line, "send: %d", rc);
        c->written += len;
        done += len;
    }
    script_run();
}

static uint32_t take(struct sl_stream *s, uint32_t max_bytes, bool *right)
{
    struct script_conn *c = script_conn();
    struct sl_slice slices[8];
    uint32_t n = s->ops->recv(s, slices, (uint32_t)SL_ARRAY_LEN(slices), max_bytes), len = 0;

    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *bytes = sl_slice_data(&slices[i]);

        for (uint32_t k = 0; k < slices[i].len; k++)
            if (bytes[k] != script_pattern(true, c->read + len + k))
                *right = false;
        len += slices[i].len;
        sl_slice_free(&slices[i]);
    }
    c->read += len;
    return len;
}

void ts_read(const char *file, int line, uint32_t n)
{
    struct sl_stream *s = need_stream(file, line);
    uint32_t done = 0, got = 1;
    bool right = true;

    while (got && done < n) {
        got = take(s, n - done, &right);
        done += got;
    }
    script_note("  read %u of %u", done, n);
    if (done != n)
        script_fail(file, line, "read %u bytes, expected %u", done, n);
    if (!right)
        script_fail(file, line, "the bytes read are wrong");
    script_run();
}

void ts_read_nothing(const char *file, int line)
{
    struct sl_stream *s = need_stream(file, line);
    bool right = true;
    uint32_t got = take(s, UINT32_MAX, &right);

    if (got)
        script_fail(file, line, "read %u bytes, expected none", got);
}

uint32_t u_credit(void)
{
    struct sl_stream *s = need_stream(__FILE__, __LINE__);

    return s->ops->credit(s);
}

void u_shutdown(void)
{
    struct sl_stream *s = need_stream(__FILE__, __LINE__);

    script_note("  shutdown");
    s->ops->shutdown(s);
    script_run();
}

void u_abort(void)
{
    struct sl_stream *s = need_stream(__FILE__, __LINE__);

    script_note("  abort");
    s->ops->abort(s, SL_REASON_ABORTED);
    script_run();
}

void u_release(void)
{
    struct sl_stream *s = need_stream(__FILE__, __LINE__);

    script_note("  release");
    script_conn()->stream = NULL;
    s->ops->release(s);
    script_run();
}

/* ---- the states ---- */
const struct script_state script_states[7] = {
    {"ESTABLISHED", 1, 1}, {"FIN-WAIT-1", 2, 1}, {"FIN-WAIT-2", 2, 1}, {"CLOSE-WAIT", 1, 2},
    {"CLOSING", 2, 2},     {"LAST-ACK", 2, 2},   {"TIME-WAIT", 2, 2},
};

static void close_ours(const char *file, int line, uint32_t peer_nxt)
{
    u_shutdown();
    ts_expect(file, line, 0, 2, "FA 1 ack %u", peer_nxt);
}

static void close_theirs(const char *file, int line, uint32_t our_nxt, uint32_t acked)
{
    ts_peer(file, line, "FA 1 ack %u", acked);
    ts_expect(file, line, 0, 500, "A %u ack 2", our_nxt);
}

void ts_reach(const char *file, int line, const char *name)
{
    if (strcmp(name, "SYN-SENT") == 0) {
        u_connect(NULL);
        ts_expect(file, line, 0, 2, "S 0");
        return;
    }
    if (!g->listener)
        u_listen(NULL);
    if (strcmp(name, "SYN-RECEIVED") == 0) {
        ts_peer(file, line, "S 0 mss 1000");
        ts_expect(file, line, 0, 2, "SA 0 ack 1");
        ts_state(file, line, name);
        return;
    }
    ts_accept_one(file, line, NULL);
    if (strncmp(name, "FIN-WAIT", 8) == 0 || strcmp(name, "CLOSING") == 0 || strcmp(name, "TIME-WAIT") == 0)
        close_ours(file, line, 1);
    if (strcmp(name, "FIN-WAIT-2") == 0)
        ts_peer(file, line, "A 1 ack 2");
    if (strcmp(name, "CLOSING") == 0)
        close_theirs(file, line, 2, 1);
    if (strcmp(name, "TIME-WAIT") == 0)
        close_theirs(file, line, 2, 2);
    if (strcmp(name, "CLOSE-WAIT") == 0 || strcmp(name, "LAST-ACK") == 0)
        close_theirs(file, line, 1, 1);
    if (strcmp(name, "LAST-ACK") == 0)
        close_ours(file, line, 2);
    ts_state(file, line, name);
}
