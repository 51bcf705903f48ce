/* Resets and other attacks in every state: RFC 9293 3.5.2, 3.5.3, 3.10.7; RFC 5961. */
#include "helpers/script.h"

/* In a fresh world: brings the connection to a state and calls fn. */
static void in_each_state(void (*fn)(const struct script_state *))
{
    for (uint32_t i = 0; i < SL_ARRAY_LEN(script_states); i++) {
        world(0);
        reach(script_states[i].name);
        fn(&script_states[i]);
        drop_all();
    }
}

static bool is(const struct script_state *s, const char *name) { return strcmp(s->name, name) == 0; }

static void exact_reset(const struct script_state *s)
{
    peer("R %u", s->peer_nxt);
    expect_nothing();
    if (is(s, "TIME-WAIT"))
        return; /* RFC 1337 ignores it, RFC 9293 ends TIME-WAIT */
    state("CLOSED");
    event(SL_STREAM_CLOSED);
    if (!is(s, "CLOSING") && !is(s, "LAST-ACK"))
        closed_for(SL_REASON_RESET);
    assert_int_equal(script_conns(), 0);
    quiet(10000);
}

static void a_reset_at_exactly_rcv_nxt_ends_every_state(void) { in_each_state(exact_reset); }

static void reset_in_window(const struct script_state *s)
{
    if (is(s, "TIME-WAIT"))
        return;
    peer("R %u", s->peer_nxt + 1);
    expect("A %u ack %u", s->our_nxt, s->peer_nxt);
    state(s->name);
}

static void a_reset_elsewhere_in_the_window_is_challenged(void) { in_each_state(reset_in_window); }

static void reset_outside(const struct script_state *s)
{
    peer("R %u", s->peer_nxt - 1);
    peer("R %u", s->peer_nxt + (1u << 30));
    peer("RA %u ack 1", s->peer_nxt - 1);
    expect_nothing();
    state(s->name);
}

static void a_reset_outside_the_window_is_silently_dropped(void) { in_each_state(reset_outside); }

static void syn_in_window(const struct script_state *s)
{
    if (is(s, "TIME-WAIT"))
        return;
    peer("S %u mss 1000", s->peer_nxt + 5);
    expect("A %u ack %u", s->our_nxt, s->peer_nxt);
    state(s->name);
}

static void a_syn_in_the_window_is_challenged(void) { in_each_state(syn_in_window); }

static void syn_outside(const struct script_state *s)
{
    if (is(s, "TIME-WAIT"))
        return;
    peer("S =%u mss 1000", 5000000u + (1u << 30));
    expect("A %u ack %u", s->our_nxt, s->peer_nxt);
    state(s->name);
}

static void a_syn_outside_the_window_is_challenged(void) { in_each_state(syn_outside); }

static void old_syn(const struct script_state *s)
{
    if (is(s, "TIME-WAIT"))
        return;
    peer("S 0 mss 1000");
    expect("A %u ack %u", s->our_nxt, s->peer_nxt);
    state(s->name);
}

static void the_first_syn_again_is_challenged(void) { in_each_state(old_syn); }

static void data_outside(const struct script_state *s)
{
    peer("A %u(10)", s->peer_nxt + (1u << 30));
    expect("A %u ack %u", s->our_nxt, s->peer_nxt);
    state(s->name);
}

static void data_outside_the_window_is_answered_by_an_ack(void) { in_each_state(data_outside); }

static void ack_ahead(const struct script_state *s)
{
    if (is(s, "TIME-WAIT"))
        return;
    peer("A %u ack %u", s->peer_nxt, s->our_nxt + 1000);
    expect("A %u ack %u", s->our_nxt, s->peer_nxt);
    state(s->name);
}

static void an_ack_of_what_was_never_sent_is_answered_and_dropped(void) { in_each_state(ack_ahead); }

static void ancient_ack(const struct script_state *s)
{
    if (is(s, "TIME-WAIT"))
        return;
    /* RFC 5961 5.2: SND.UNA - MAX.SND.WND <= SEG.ACK. */
    peer("A %u(1) ack %u", s->peer_nxt, s->our_nxt - (1u << 30));
    drop_all();
    state(s->name);
    if (is(s, "ESTABLISHED"))
        u_read_nothing();
}

static void data_with_an_ancient_ack_is_not_taken(void) { in_each_state(ancient_ack); }

static void no_ack(const struct script_state *s)
{
    peer(". %u(10)", s->peer_nxt);
    peer("F %u", s->peer_nxt);
    expect_nothing();
    state(s->name);
}

static void segments_without_ack_are_dropped(void) { in_each_state(no_ack); }

static void abort_in(const struct script_state *s)
{
    bool resets = is(s, "ESTABLISHED") || is(s, "FIN-WAIT-1") || is(s, "FIN-WAIT-2") || is(s, "CLOSE-WAIT");

    if (is(s, "TIME-WAIT"))
        return;
    u_abort();
    if (resets)
        expect("R %u", s->our_nxt);
    drop_all();
    state("CLOSED");
    event(SL_STREAM_CLOSED);
    assert_int_equal(script_conns(), 0);
    u_release();
    quiet(10000);
}

static void an_abort_sends_one_reset(void) { in_each_state(abort_in); }

static void challenge_acks_are_limited(void)
{
    uint32_t n = 0;

    reach("ESTABLISHED");
    for (int i = 0; i < 1000; i++) {
        peer("R %d", 100 + i);
        n += drop_all();
    }
    assert_in_range(n, 1, 200);
    state("ESTABLISHED");
}

/* A peer that restarted answers the challenge with a reset that fits (RFC 9293 figure 10). */
static void a_restarted_peer_clears_the_old_connection(void)
{
    reach("ESTABLISHED");
    peer("S =7777 mss 1000");
    expect("A 1 ack 1");
    peer("R 1");
    state("CLOSED");
    u_release();
    peer("S =7777 mss 1000");
    expect("SA * ack =7778");
}

/* ---- no connection: RFC 9293 3.10.7.1 ---- */
static void segments_for_no_connection_are_reset(void)
{
    peer("A =300(10) ack =100");
    expect("R =100");
    peer("FA =300 ack =100");
    expect("R =100");
    peer("SA =300 ack =100");
    expect("R =100");
    peer("S =300 mss 1000");
    expect("RA =0 ack =301");
    peer("S =300(7)");
    expect("RA =0 ack =308");
    peer("F =300");
    expect("RA =0 ack =301");
    peer(". =300(5)");
    expect("RA =0 ack =305");
}

static void a_reset_is_never_answered(void)
{
    peer("R =300");
    peer("RA =300 ack =100");
    peer("RS =300");
    expect_nothing();
    u_listen(NULL);
    peer("R =300");
    peer("RA =300 ack =100");
    expect_nothing();
    assert_int_equal(script_conns(), 0);
}

static void data_for_a_connection_that_is_gone_is_reset(void)
{
    reach("LAST-ACK");
    peer("A 2 ack 2");
    u_release();
    peer("A 2(10) ack 2");
    expect("R 2");
}

static void resets_for_strangers_are_limited_in_rate(void)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < 20000; i++) {
        peer("A =300(10) ack =100 from %u", 1024 + i);
        n += drop_all();
    }
    assert_in_range(n, 1, 10000);
}

/* ---- LISTEN: RFC 9293 3.10.7.2 ---- */
static void an_ack_for_a_listener_is_reset(void)
{
    u_listen(NULL);
    peer("A =300(10) ack =100");
    expect("R =100");
    peer("SA =300 ack =100");
    expect("R =100");
    assert_int_equal(script_conns(), 0);
}

static void odd_flags_for_a_listener_leave_nothing(void)
{
    u_listen(NULL);
    peer(". =300");
    peer("F =300");
    peer("FPU =300");
    peer(". =300(10)");
    drop_all();
    assert_int_equal(script_conns(), 0);
}

static void a_bad_checksum_is_dropped(void)
{
    u_listen(NULL);
    peer("S 0 badsum");
    expect_nothing();
    accept_one(NULL);
    peer("R 1 badsum");
    peer("A 1(10) ack 1 badsum");
    expect_nothing();
    state("ESTABLISHED");
    u_read_nothing();
}

static void blind_data_far_ahead_does_not_move_the_window(void)
{
    reach("ESTABLISHED");
    peer("A %u(100) ack 1", 1u << 30);
    drop_all();
    peer("A 1(10) ack 1");
    u_read(10);
    expect_ack(11);
}

SCRIPT_MAIN(SCRIPT(a_reset_at_exactly_rcv_nxt_ends_every_state), SCRIPT(a_reset_elsewhere_in_the_window_is_challenged),
            SCRIPT(a_reset_outside_the_window_is_silently_dropped), SCRIPT(a_syn_in_the_window_is_challenged),
            SCRIPT(a_syn_outside_the_window_is_challenged), SCRIPT(the_first_syn_again_is_challenged),
            SCRIPT(data_outside_the_window_is_answered_by_an_ack),
            SCRIPT(an_ack_of_what_was_never_sent_is_answered_and_dropped),
            SCRIPT(data_with_an_ancient_ack_is_not_taken), SCRIPT(segments_without_ack_are_dropped),
            SCRIPT(an_abort_sends_one_reset), SCRIPT(challenge_acks_are_limited),
            SCRIPT(a_restarted_peer_clears_the_old_connection), SCRIPT(segments_for_no_connection_are_reset),
            SCRIPT(a_reset_is_never_answered), SCRIPT(data_for_a_connection_that_is_gone_is_reset),
            SCRIPT(resets_for_strangers_are_limited_in_rate), SCRIPT(an_ack_for_a_listener_is_reset),
            SCRIPT(odd_flags_for_a_listener_leave_nothing), SCRIPT(a_bad_checksum_is_dropped),
            SCRIPT(blind_data_far_ahead_does_not_move_the_window))
