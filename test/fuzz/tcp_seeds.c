#include "tcp_seeds.h"

#include "tcp/tcp.h"
#include "tcp/wire.h"
#include "tcp_fuzz.h"

int wire_fuzz_one(const uint8_t *data, size_t size);
int reasm_fuzz_one(const uint8_t *data, size_t size);
int flight_fuzz_one(const uint8_t *data, size_t size);

#define ALL (OPT_MSS | OPT_WSCALE | OPT_SACK_OK | OPT_TS)
#define SMALL_MSS 0x80 /* of op_open: an MSS of 100 */
#define SETTINGS_PLAIN 0, FUZZ_BUFFERS(8, 7), 0

/* ---- steps ---- */

static void put(struct seed *s, const uint8_t *bytes, size_t n)
{
    assert(s->len + n <= SEED_MAX);
    memcpy(s->bytes + s->len, bytes, n);
    s->len += n;
}

#define BYTES(s, ...) put(s, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define U16(v) (uint8_t)((v) >> 8), (uint8_t)(v)

/* What is not zero is there. */
static void add_segment(struct seed *s, struct fuzz_segment g)
{
    uint8_t bytes[256];

    assert(s->len + sizeof bytes <= SEED_MAX);
    g.has |= g.seq.at | g.seq.off | g.ack.at | g.ack.off ? HAS_NEAR : 0;
    g.has |= g.opts | g.mss ? HAS_OPTS : 0;
    g.has |= g.n_sacks ? HAS_SACKS : 0;
    g.has |= g.n_raw ? HAS_RAW : 0;
    g.has |= g.times ? HAS_MANY : 0;
    g.has |= g.len ? HAS_DATA : 0;
    g.has |= g.wnd ? HAS_WND : 0;
    g.has |= g.doff | g.cut | g.lie ? HAS_LIE : 0;
    put(s, bytes, fuzz_write_segment(&g, bytes));
}

static void add_icmp(struct seed *s, struct fuzz_icmp e)
{
    uint8_t bytes[32];

    put(s, bytes, fuzz_write_icmp(&e, bytes));
}

#define SEG(...) add_segment(s, (struct fuzz_segment){__VA_ARGS__})
#define ICMP(...) add_icmp(s, (struct fuzz_icmp){__VA_ARGS__})
#define AT(where, offset)                                                                                              \
    {                                                                                                                  \
        .at = (where), .off = (offset)                                                                                 \
    }
#define NEAR(seq_at, seq_off, ack_at, ack_off) .seq = AT(seq_at, seq_off), .ack = AT(ack_at, ack_off)
#define SACK(where, offset, length)                                                                                    \
    {                                                                                                                  \
        .start = AT(where, offset), .len = (length)                                                                    \
    }
#define OFFER(what) .opts = (what), .mss = 1460, .wscale = 7, .tsval = AT(AT_CLOCK, 0), .tsecr = AT(AT_ZERO, 0)
#define MANY(n, what, by) .times = (n), .vary = VARY_##what, .step = (by)

static void op_world(struct seed *s, uint8_t first, uint8_t second) { BYTES(s, first, second); }
static void op_open(struct seed *s, uint8_t slot, uint8_t opts) { BYTES(s, OP_OPEN, slot, opts); }
static void op_send(struct seed *s, uint8_t slot, uint16_t n, uint16_t slice)
{
    BYTES(s, OP_SEND, slot, U16(n), U16(slice));
}
static void op_recv(struct seed *s, uint8_t slot) { BYTES(s, OP_RECV, slot, U16(UINT16_MAX)); }
static void op_slot(struct seed *s, enum fuzz_op op, uint8_t slot) { BYTES(s, (uint8_t)op, slot); }

/* About so many milliseconds. */
static void op_time(struct seed *s, uint32_t ms)
{
    uint32_t units = ms * 16, shift = 0;

    for (; units > 256; units /= 2)
        shift++;
    BYTES(s, OP_TIME, (uint8_t)(units - 1), (uint8_t)shift);
}

static void answer_dial(struct seed *s, uint8_t slot, uint8_t opts)
{
    SEG(.how = slot, .flags = TF_SYN | TF_ACK, NEAR(AT_IRS, 0, AT_SND_NXT, 0), OFFER(opts));
}

/* ---- opening and closing ---- */

static void make_open_close(struct seed *s)
{
    op_world(s, 0, 0);
    op_open(s, 0, ALL);
    SEG(.flags = TF_ACK | TF_PSH, .len = 1000);
    BYTES(s, OP_PEEK, 0);
    op_recv(s, 0);
    op_send(s, 0, 3000, 1000);
    SEG(.flags = TF_ACK);
    op_slot(s, OP_SHUTDOWN, 0);
    SEG(.flags = TF_ACK);
    SEG(.flags = TF_FIN | TF_ACK, .len = 100);
    SEG(.flags = TF_FIN | TF_ACK, NEAR(AT_RCV_NXT, -1, AT_SND_NXT, 0));
    BYTES(s, OP_LOOK);
    op_time(s, 5000);
    SEG(.flags = TF_SYN, NEAR(AT_RCV_NXT, 1000, AT_ZERO, 0), OFFER(ALL)); /* TIME-WAIT gives way */
    SEG(.flags = TF_ACK);
    SEG(.flags = TF_RST);
}

static void make_close6(struct seed *s)
{
    op_world(s, FUZZ_WORLD_IP6, 0);
    op_open(s, 0, OPT_MSS);
    SEG(.flags = TF_FIN | TF_ACK, .len = 10); /* the peer first */
    op_recv(s, 0);
    op_send(s, 0, 500, 500);
    op_slot(s, OP_SHUTDOWN, 0);
    SEG(.flags = TF_ACK);
    op_open(s, 1, ALL); /* both at once */
    op_slot(s, OP_SHUTDOWN, 1);
    SEG(.how = 1, .flags = TF_FIN | TF_ACK, NEAR(AT_RCV_NXT, 0, AT_SND_UNA, 0));
    SEG(.how = 1, .flags = TF_ACK);
    SEG(.how = 1, .flags = TF_RST, NEAR(AT_RCV_NXT, 5, AT_ZERO, 0));
    SEG(.how = 1, .flags = TF_RST);
    op_open(s, 2, ALL);
    op_slot(s, OP_ABORT, 2);
    op_slot(s, OP_RELEASE, 2);
}

static void make_released(struct seed *s)
{
    op_world(s, FUZZ_WORLD_FAST, 0);
    op_open(s, 0, ALL); /* what comes then is for nobody */
    op_slot(s, OP_SHUTDOWN, 0);
    op_slot(s, OP_RELEASE, 0);
    SEG(.flags = TF_ACK, .len = 10, NEAR(AT_RCV_NXT, 0, AT_SND_UNA, 0));
    SEG(.flags = TF_ACK);
    SEG(.flags = TF_ACK, .len = 10);
    op_open(s, 1, ALL); /* nothing comes */
    op_slot(s, OP_SHUTDOWN, 1);
    SEG(.how = 1, .flags = TF_ACK);
    op_slot(s, OP_RELEASE, 1);
    op_time(s, 10000);
}

static void make_time_waits(struct seed *s)
{
    op_world(s, FUZZ_WORLD_ONE_TIME_WAIT | FUZZ_WORLD_IP6, 0);
    for (uint8_t slot = 0; slot < 2; slot++) {
        op_open(s, slot, ALL);
        op_slot(s, OP_SHUTDOWN, slot);
        SEG(.how = slot, .flags = TF_ACK);
        SEG(.how = slot, .flags = TF_FIN | TF_ACK);
    }
    SEG(.how = 1, .flags = TF_ACK, .len = 1, MANY(110, SEQ, 7));
}

static void make_dial(struct seed *s)
{
    op_world(s, FUZZ_WORLD_NO_LISTENER, 0);
    BYTES(s, OP_DIAL, 0, SL_TCP_ECN_ASK << FUZZ_ECN_SHIFT | FUZZ_NAGLE, FUZZ_BUFFERS(15, 15), FUZZ_TIMES(0, 0, 2));
    SEG(.flags = TF_SYN | TF_ACK, NEAR(AT_IRS, 0, AT_SND_NXT, 5), OFFER(ALL)); /* a wrong ACK */
    SEG(.flags = TF_RST, NEAR(AT_IRS, 0, AT_ZERO, 0));                         /* a blind RST */
    SEG(.flags = TF_ACK);                                                      /* no SYN */
    ICMP(.kind = 1, .seq = AT(AT_SND_UNA, 0));                                 /* soft */
    SEG(.flags = TF_SYN | TF_ACK | TF_ECE, NEAR(AT_IRS, 0, AT_SND_NXT, 0), OFFER(ALL), .len = 100);
    op_send(s, 0, 100, 10);
    op_slot(s, OP_SHUTDOWN, 0);
    SEG(.flags = TF_FIN | TF_ACK);
    op_slot(s, OP_RELEASE, 0);
    op_time(s, 2000);
    BYTES(s, OP_DIAL, 0, SETTINGS_PLAIN); /* TIME-WAIT gives way */
    SEG(.flags = TF_RST | TF_ACK);        /* refused */
    BYTES(s, OP_DIAL, 1, SETTINGS_PLAIN);
    ICMP(.slot = 1, .kind = 0, .seq = AT(AT_SND_UNA, 0));
    ICMP(.slot = 1, .kind = 1, .seq = AT(AT_SND_UNA, 0)); /* hard */
    ICMP(.slot = 1, .kind = 2, .seq = AT(AT_SND_UNA, 0));
    BYTES(s, OP_DIAL, 2, 0, 0, FUZZ_TIMES(0, 0, 1));
    op_time(s, 3000); /* unanswered */
}

static void make_simultaneous_open(struct seed *s)
{
    op_world(s, FUZZ_WORLD_IP6, 0);
    BYTES(s, OP_DIAL, 0, SL_TCP_ECN_ASK << FUZZ_ECN_SHIFT, FUZZ_BUFFERS(8, 8), 0);
    SEG(.flags = TF_SYN | TF_ECE | TF_CWR, NEAR(AT_IRS, 0, AT_ZERO, 0), OFFER(ALL));
    SEG(.flags = TF_ACK, NEAR(AT_RCV_NXT, 0, AT_SND_NXT, 9));
    SEG(.flags = TF_SYN | TF_ACK, NEAR(AT_IRS, 0, AT_SND_NXT, 0), OFFER(ALL));
    op_send(s, 0, 2000, 700);
    SEG(.flags = TF_ACK, .len = 500);
}

/* ---- before there is a connection ---- */

static void make_headers(struct seed *s)
{
    op_world(s, 0, 0);
    SEG(.flags = TF_SYN, .doff = 1);
    SEG(.flags = TF_SYN, .doff = 10);
    SEG(.flags = TF_SYN, .cut = 3);
    SEG(.flags = TF_SYN, .lie = LIE_LPORT);
    SEG(.flags = TF_SYN, .lie = LIE_RPORT);
    SEG(.flags = TF_SYN, .lie = LIE_LAND);
    SEG(.flags = TF_SYN, .n_raw = 4, .raw = {2, 1, 0, 0});
    SEG(.how = SEG_CHAIN, .flags = TF_SYN, .n_raw = 4, .raw = {8, 10, 1, 1}, .cuts = {1, 2});
    SEG(.flags = TF_SYN | TF_FIN);
    SEG(.flags = 0);
    SEG(.flags = TF_RST);
    SEG(.flags = TF_ACK, MANY(250, ACK, 1));
    SEG(.flags = TF_ACK, .how = 1, MANY(250, ACK, 1));
    BYTES(s, OP_LISTEN, SETTINGS_PLAIN, 0); /* no listener any more */
    SEG(.flags = TF_SYN, .len = 9);
    BYTES(s, OP_LISTEN, SETTINGS_PLAIN, 3);
}

static void make_requests(struct seed *s)
{
    op_world(s, 0, 0);
    SEG(.flags = TF_SYN, OFFER(ALL));
    SEG(.flags = TF_SYN, NEAR(AT_IRS, 0, AT_ZERO, 0), OFFER(ALL));
    SEG(.flags = TF_PSH);
    SEG(.flags = TF_ACK, NEAR(AT_RCV_NXT, 0, AT_SND_NXT, 1));
    SEG(.flags = TF_ACK, .n_raw = 4, .raw = {1, 1, 1, 0});
    SEG(.flags = TF_ACK, .opts = OPT_TS, .tsval = AT(AT_TS_RECENT, -1));
    SEG(.flags = TF_ACK, NEAR(AT_RCV_ADV, 9, AT_SND_NXT, 0), MANY(30, SEQ, 9));
    SEG(.flags = TF_RST, NEAR(AT_RCV_NXT, 1, AT_ZERO, 0));
    SEG(.flags = TF_RST);
    SEG(.how = 1, .flags = TF_SYN, OFFER(OPT_MSS));
    SEG(.how = 1, .flags = TF_SYN, .len = 1);
    SEG(.how = 2, .flags = TF_SYN, OFFER(OPT_MSS));
    BYTES(s, OP_LOOK);
    op_time(s, 40000);
}

static void make_floods(struct seed *s)
{
    op_world(s, FUZZ_WORLD_FEW_CONNS, 0);
    BYTES(s, OP_LISTEN, SL_TCP_COOKIES_OFF << FUZZ_COOKIES_SHIFT, FUZZ_BUFFERS(8, 8), 0, 7);
    SEG(.flags = TF_SYN, OFFER(ALL), MANY(6, PORT, 0));
    BYTES(s, OP_LISTEN, SL_TCP_COOKIES_OFF << FUZZ_COOKIES_SHIFT, FUZZ_BUFFERS(8, 8), 0, 1);
    SEG(.how = 1, .flags = TF_SYN, MANY(6, PORT, 0));
    BYTES(s, OP_LISTEN, SL_TCP_COOKIES_ALWAYS << FUZZ_COOKIES_SHIFT, FUZZ_BUFFERS(8, 8), 0, 1);
    BYTES(s, OP_LINK, FUZZ_STALLED);
    for (uint8_t k = 0; k < 3; k++)
        SEG(.how = k, .flags = TF_SYN, MANY(255, PORT, 0));
    BYTES(s, OP_LINK, FUZZ_SILENT);
    SEG(.flags = TF_SYN, OFFER(ALL));
}

static void make_cookies(struct seed *s)
{
    op_world(s, 0, 0);
    BYTES(s, OP_LISTEN, SL_TCP_COOKIES_ALWAYS << FUZZ_COOKIES_SHIFT, FUZZ_BUFFERS(11, 8), 0, 3);
    SEG(.flags = TF_SYN | TF_ECE | TF_CWR, OFFER(ALL));
    SEG(.flags = TF_ACK, NEAR(AT_RCV_NXT, 0, AT_SND_NXT, 1));
    SEG(.flags = TF_ACK, .len = 20);
    SEG(.flags = TF_RST);
    SEG(.flags = TF_ACK, .len = 20); /* the same once more */
    SEG(.how = 1, .flags = TF_SYN, OFFER(OPT_MSS));
    SEG(.how = 2, .flags = TF_SYN, OFFER(ALL));
    SEG(.how = 1, .flags = TF_ACK);
    op_time(s, 150000);
    SEG(.how = 3, .flags = TF_SYN, OFFER(ALL));
    SEG(.how = 2, .flags = TF_ACK); /* too late */
}

static void make_cookies_auto6(struct seed *s)
{
    op_world(s, FUZZ_WORLD_IP6, 0);
    BYTES(s, OP_LISTEN, SL_TCP_COOKIES_ALWAYS << FUZZ_COOKIES_SHIFT, FUZZ_BUFFERS(8, 8), 0, 1);
    SEG(.how = 1, .flags = TF_SYN, OFFER(ALL));
    BYTES(s, OP_LISTEN, SL_TCP_COOKIES_AUTO << FUZZ_COOKIES_SHIFT, FUZZ_BUFFERS(8, 8), 0, 1);
    SEG(.how = 1, .flags = TF_SYN, OFFER(ALL)); /* and now a request; the cookie is good all the same */
    SEG(.how = 2, .flags = TF_SYN, OFFER(OPT_MSS | OPT_TS));
    SEG(.how = 1, .flags = TF_ACK, NEAR(AT_RCV_NXT, 0, AT_SYN_ACK, 0));
    SEG(.how = 2, .flags = TF_ACK);
    op_send(s, 2, 3000, 1000);
}

/* ---- segments that don't fit ---- */

static void make_odd_segments(struct seed *s)
{
    op_world(s, 0, 0);
    op_open(s, 0, ALL);
    SEG(.flags = TF_ACK, NEAR(AT_RCV_ADV, 10, AT_SND_NXT, 0), .len = 10);
    SEG(.flags = TF_ACK, .len = 10, .opts = OPT_TS, .tsval = AT(AT_TS_RECENT, -1));
    SEG(.flags = TF_ACK, .len = 10, .n_raw = 4, .raw = {1, 1, 1, 0});
    SEG(.flags = TF_RST, NEAR(AT_RCV_NXT, 1, AT_ZERO, 0));
    SEG(.flags = TF_SYN, NEAR(AT_RCV_NXT, 7, AT_ZERO, 0));
    SEG(.flags = TF_PSH, .len = 3);
    SEG(.flags = TF_ACK, NEAR(AT_RCV_NXT, 0, AT_SND_NXT, 1), MANY(30, ACK, 1));
    SEG(.flags = TF_ACK, NEAR(AT_RCV_NXT, 0, AT_SND_UNA, -32000));
    SEG(.flags = TF_ACK, NEAR(AT_OPPOSITE, 0, AT_SND_NXT, 0), .len = 9);
    SEG(.flags = TF_ACK, NEAR(AT_RCV_NXT, 100, AT_SND_NXT, 0), .len = 100);
    SEG(.flags = TF_ACK | TF_FIN, NEAR(AT_RCV_NXT, 50, AT_SND_NXT, 0), .len = 20); /* behind which there are bytes */
    SEG(.flags = TF_ACK | TF_URG, .len = 300);
    SEG(.flags = TF_ACK | TF_FIN, NEAR(AT_RCV_NXT, 5, AT_SND_NXT, 0));
    SEG(.flags = TF_ACK, .len = 60);
    op_recv(s, 0);
}

static void make_ahead(struct seed *s)
{
    op_world(s, FUZZ_WORLD_IP6, 0);
    op_open(s, 0, OPT_MSS | OPT_SACK_OK);
    SEG(.flags = TF_ACK, NEAR(AT_RCV_NXT, 2, AT_SND_NXT, 0), .len = 1, MANY(90, SEQ, 2));
    SEG(.how = SEG_CHAIN, .flags = TF_ACK, NEAR(AT_RCV_NXT, 10, AT_SND_NXT, 0), .len = 60, .cuts = {3, 20});
    SEG(.flags = TF_ACK, .len = 1000);
    SEG(.flags = TF_ACK, NEAR(AT_RCV_NXT, -500, AT_SND_NXT, 0), .len = 600);
    op_recv(s, 0);
}

/* ---- what we send ---- */

static void make_sacks(struct seed *s)
{
    op_world(s, FUZZ_WORLD_FAST, 0);
    op_open(s, 0, ALL);
    BYTES(s, OP_TALK, 0, 6, U16(9000), 4);
    op_send(s, 0, 20000, 1460);
    SEG(.flags = TF_ACK, NEAR(AT_RCV_NXT, 0, AT_SND_UNA, 0), .n_sacks = 3,
        .sacks = {SACK(AT_SND_UNA, 3000, 1400), SACK(AT_SND_NXT, 100, 100), SACK(AT_SND_UNA, 2000, -500)});
    SEG(.flags = TF_ACK, NEAR(AT_RCV_NXT, 0, AT_SND_UNA, 1448), .n_sacks = 2,
        .sacks = {SACK(AT_SND_UNA, -500, 400), SACK(AT_SND_UNA, 3000, 6000)}); /* D-SACK */
    SEG(.flags = TF_ACK, NEAR(AT_RCV_NXT, 0, AT_SND_UNA, 0), .n_sacks = 1, .sacks = {SACK(AT_OPPOSITE, 0, 400)});
    op_time(s, 300);
    SEG(.flags = TF_ACK);
    op_send(s, 0, 2000, 1460);
    op_time(s, 3000);
    SEG(.flags = TF_ACK);
}

static void make_many_sacks(struct seed *s)
{
    op_world(s, 0, 0);
    op_open(s, 0, ALL | SMALL_MSS);
    op_send(s, 0, 30000, 1000);
    SEG(.flags = TF_ACK, NEAR(AT_RCV_NXT, 0, AT_SND_UNA, 0), .n_sacks = 1, .sacks = {SACK(AT_SND_UNA, 1, 1)},
        MANY(250, SACK, 2));
    op_time(s, 1000);
    SEG(.flags = TF_ACK);
}

static void make_dup_acks(struct seed *s)
{
    op_world(s, FUZZ_WORLD_IP6, 0);
    BYTES(s, OP_LISTEN, FUZZ_NEWRENO, FUZZ_BUFFERS(8, 9), 0, 3);
    op_open(s, 0, OPT_MSS);
    op_send(s, 0, 20000, 1460);
    SEG(.flags = TF_ACK, NEAR(AT_RCV_NXT, 0, AT_SND_UNA, 0), MANY(5, NOTHING, 0));
    SEG(.flags = TF_ACK, NEAR(AT_RCV_NXT, 0, AT_SND_UNA, 1440));
    SEG(.flags = TF_ACK);
    op_time(s, 2000);
    SEG(.flags = TF_ACK, .wnd = 300);
    op_send(s, 0, 20000, 100);
    op_time(s, 500);
}

static void make_ecn(struct seed *s)
{
    op_world(s, 0, 0);
    op_open(s, 0, ALL | OPT_ECN);
    SEG(.how = 3 << SEG_ECN_SHIFT, .flags = TF_ACK, .len = 100);
    op_send(s, 0, 8000, 1460);
    SEG(.how = 2 << SEG_ECN_SHIFT, .flags = TF_ACK | TF_CWR, .len = 100);
    SEG(.flags = TF_ACK | TF_ECE, NEAR(AT_RCV_NXT, 0, AT_SND_UNA, 1448));
    SEG(.flags = TF_ACK | TF_ECE);
    op_send(s, 0, 8000, 1460);
    SEG(.flags = TF_ACK);
}

static void make_windows(struct seed *s)
{
    op_world(s, 0, 0);
    op_open(s, 0, ALL);
    SEG(.flags = TF_ACK, .has = HAS_WND);
    op_send(s, 0, 5000, 1000);
    op_time(s, 20000);
    SEG(.flags = TF_ACK, .has = HAS_WND, NEAR(AT_RCV_NXT, 0, AT_SND_NXT, 1)); /* it takes the probe */
    SEG(.flags = TF_ACK, .wnd = 1);
    op_time(s, 1000);
    BYTES(s, OP_UPDATE, 0, FUZZ_PACING, FUZZ_BUFFERS(8, 12), FUZZ_TIMES(1, 1, 0));
    SEG(.flags = TF_ACK);
    BYTES(s, OP_TALK, 0, 12, U16(30000), 8);
    op_open(s, 1, ALL);
    BYTES(s, OP_UPDATE, 1, 0, FUZZ_BUFFERS(8, 8), FUZZ_TIMES(0, 1, 0));
    op_send(s, 1, 1000, 1000);
    op_time(s, 60000); /* user timeout */
    op_open(s, 2, OPT_MSS);
    BYTES(s, OP_UPDATE, 2, 0, FUZZ_BUFFERS(8, 8), FUZZ_TIMES(1, 0, 0));
    op_time(s, 60000); /* keepalive */
    BYTES(s, OP_TIME, 200, 20 | FUZZ_JUMP);
}

static void make_path(struct seed *s)
{
    op_world(s, FUZZ_WORLD_JUMBO, 0);
    op_open(s, 0, ALL);
    SEG(.how = 1, .flags = TF_SYN, .opts = ALL, .mss = 8960, .wscale = 9, .tsval = AT(AT_CLOCK, 0));
    SEG(.how = 1, .flags = TF_ACK);
    op_send(s, 1, 30000, 8000);
    ICMP(.slot = 1, .kind = 2, .seq = AT(AT_SND_NXT, 5), .mtu = 1400);
    ICMP(.slot = 1, .kind = 2, .seq = AT(AT_SND_UNA, 0), .mtu = 9100);
    ICMP(.slot = 1, .kind = 2, .seq = AT(AT_SND_UNA, 0), .mtu = 5000, .step = 100, .times = 9);
    ICMP(.slot = 1, .kind = 1, .seq = AT(AT_SND_UNA, 0));
    ICMP(.slot = 1, .kind = 2, .wrong = 1);
    SEG(.how = 1, .flags = TF_ACK);
    op_time(s, 700000); /* a larger one may be tried */
    op_send(s, 1, 32000, 8000);
    SEG(.how = 1, .flags = TF_ACK);
    op_send(s, 1, 32000, 8000);
    op_time(s, 30000); /* black hole */
    ICMP(.slot = 1, .kind = 2, .seq = AT(AT_SND_UNA, 0), .mtu = 0);
}

/* ---- shortage ---- */

static void make_memory(struct seed *s)
{
    op_world(s, FUZZ_WORLD_LITTLE_MEMORY, 0);
    op_open(s, 0, OPT_MSS);
    SEG(.flags = TF_ACK, .len = 600);
    SEG(.flags = TF_ACK, NEAR(AT_RCV_NXT, 1000, AT_SND_NXT, 0), .len = 1300, MANY(7, SEQ, 2000));
    SEG(.flags = TF_ACK, .len = 900, MANY(10, SEQ, 900));
    op_open(s, 1, ALL);
    op_send(s, 1, 3000, 1000);
    op_time(s, 200000);
}

static void make_places(struct seed *s)
{
    op_world(s, FUZZ_WORLD_FEW_CONNS, 0);
    for (uint8_t slot = 0; slot < 3; slot++)
        op_open(s, slot, ALL);
    op_open(s, 3, ALL); /* nobody goes */
    op_slot(s, OP_SHUTDOWN, 1);
    op_slot(s, OP_RELEASE, 1);
    op_open(s, 4, ALL);
    BYTES(s, OP_DIAL, 5, SETTINGS_PLAIN);
}

static void make_no_buffers(struct seed *s)
{
    op_world(s, 0, 0);
    op_open(s, 0, ALL);
    BYTES(s, OP_POOLS, 1, 2);
    op_send(s, 0, 9000, 1000);
    BYTES(s, OP_POOLS, 0, 0);
    SEG(.flags = TF_ACK, .len = 100);
    op_time(s, 500);
    BYTES(s, OP_POOLS, 0, 255);
    BYTES(s, OP_POOLS, 1, 255);
    op_time(s, 500);
    BYTES(s, OP_LINK, FUZZ_STALLED);
    op_send(s, 0, 9000, 10);
    BYTES(s, OP_DIAL, 1, SETTINGS_PLAIN);
    op_time(s, 500);
    BYTES(s, OP_LINK, 0);
    SEG(.flags = TF_ACK);
    answer_dial(s, 1, ALL);
}

/* ---- parts ---- */

static void make_wire_options(struct seed *s)
{
    BYTES(s, 0x02, 0, 20, 0, 2, 4, 5, 180, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7);
}

static void make_wire_sacks(struct seed *s)
{
    BYTES(s, 0x10, 0, 22, 3, 1, 1, 5, 18, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4, 0, 9, 9);
}

static void make_wire_lies(struct seed *s) { BYTES(s, 0x12, 0x10, 5, 9, 8, 10, 0, 0, 2, 1, 0, 3, 255, 5); }

static void make_reasm(struct seed *s)
{
    for (uint8_t k = 0; k < 120; k++)
        BYTES(s, k % 3, (uint8_t)(k * 37), (uint8_t)(k * 11), (uint8_t)(1 + k % 5));
}

static void make_reasm_holes(struct seed *s)
{
    for (uint8_t k = 0; k < 80; k++)
        BYTES(s, 0, 0, (uint8_t)(k * 3 + 1), 0);
    BYTES(s, 2, 0, 40, 0, 3, 0, 0, 0);
}

static void make_flight(struct seed *s)
{
    for (uint8_t k = 0; k < 120; k++)
        BYTES(s, k % 9, (uint8_t)(k * 7), (uint8_t)(k * 29), (uint8_t)(k * 13), (uint8_t)k);
}

static void make_flight_full(struct seed *s)
{
    for (uint8_t k = 0; k < 130; k++)
        BYTES(s, 40, 0, 3, 3, (uint8_t)(k * 2), 0, 1);
    for (uint8_t k = 0; k < 60; k++)
        BYTES(s, 9, k % 7, (uint8_t)(k * 17), (uint8_t)(k * 5), 3);
}

const struct tcp_seed tcp_seeds[] = {
    {"tcp/open-close", make_open_close, tcp_fuzz_one},
    {"tcp/close6", make_close6, tcp_fuzz_one},
    {"tcp/released", make_released, tcp_fuzz_one},
    {"tcp/time-waits", make_time_waits, tcp_fuzz_one},
    {"tcp/dial", make_dial, tcp_fuzz_one},
    {"tcp/simultaneous-open", make_simultaneous_open, tcp_fuzz_one},
    {"tcp/headers", make_headers, tcp_fuzz_one},
    {"tcp/requests", make_requests, tcp_fuzz_one},
    {"tcp/floods", make_floods, tcp_fuzz_one},
    {"tcp/cookies", make_cookies, tcp_fuzz_one},
    {"tcp/cookies-auto6", make_cookies_auto6, tcp_fuzz_one},
    {"tcp/odd-segments", make_odd_segments, tcp_fuzz_one},
    {"tcp/ahead", make_ahead, tcp_fuzz_one},
    {"tcp/sacks", make_sacks, tcp_fuzz_one},
    {"tcp/many-sacks", make_many_sacks, tcp_fuzz_one},
    {"tcp/dup-acks", make_dup_acks, tcp_fuzz_one},
    {"tcp/ecn", make_ecn, tcp_fuzz_one},
    {"tcp/windows", make_windows, tcp_fuzz_one},
    {"tcp/path", make_path, tcp_fuzz_one},
    {"tcp/memory", make_memory, tcp_fuzz_one},
    {"tcp/places", make_places, tcp_fuzz_one},
    {"tcp/no-buffers", make_no_buffers, tcp_fuzz_one},
    {"wire/options", make_wire_options, wire_fuzz_one},
    {"wire/sacks", make_wire_sacks, wire_fuzz_one},
    {"wire/lies", make_wire_lies, wire_fuzz_one},
    {"reasm/mixed", make_reasm, reasm_fuzz_one},
    {"reasm/holes", make_reasm_holes, reasm_fuzz_one},
    {"flight/mixed", make_flight, flight_fuzz_one},
    {"flight/full", make_flight_full, flight_fuzz_one},
};
const uint32_t tcp_seeds_n = SL_ARRAY_LEN(tcp_seeds);
