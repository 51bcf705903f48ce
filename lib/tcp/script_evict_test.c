/* When memory or places run short: those that hold much and do nothing go first, those that work stay. */
#include "tcp/tcp_internal.h"

#include "helpers/script.h"

static uint64_t evicted(void) { return script_drops(SL_DROP_TCP_EVICTED); }

static void pass(uint32_t ms)
{
    for (uint32_t i = 0; i < ms / 10; i++) {
        drop_all();
        after(10);
    }
    drop_all();
}

/* A client that asks, and never reads the answer (slow read, zero window for ever). */
static void shut_window(uint32_t conn, uint32_t bytes)
{
    on(conn);
    accept_one("mss 1000");
    peer("A 1 ack 1 wnd 0");
    u_write(bytes);
    drop_all();
}

static void memory_is_taken_from_whoever_is_idle_for_longest(void)
{
    world(.held_max_bytes = 200000);
    u_listen(NULL);
    shut_window(0, 30000);
    pass(2000);
    shut_window(1, 30000);
    pass(2000);
    shut_window(2, 30000);
    pass(40000);
    assert_int_equal(evicted(), 0); /* there is memory enough */
    shut_window(3, 45000);
    on(0);
    expect_within(0, 100, "R * ack 1");
    state("CLOSED");
    closed_for(SL_REASON_NO_RESOURCE);
    pass(5000);
    for (uint32_t i = 1; i < 4; i++) {
        on(i);
        state("ESTABLISHED");
    }
    assert_int_equal(evicted(), 1);
}

/* Its peer answers every probe: that is no progress. */
static void a_peer_that_answers_and_takes_nothing_is_idle(void)
{
    world(.held_max_bytes = 200000);
    u_listen(NULL);
    shut_window(0, 150000);
    for (uint32_t i = 0; i < 200 && !evicted(); i++) {
        pass(200);
        peer("A 1 ack 1 wnd 0");
    }
    assert_int_equal(evicted(), 1);
    state("CLOSED");
    drop_all();
}

static void who_makes_progress_stays_however_much_it_holds(void)
{
    world(.held_max_bytes = 200000);
    u_listen(NULL);
    accept_one("mss 1000");
    u_write(150000);
    for (uint32_t i = 0; i < 60; i++) {
        pass(500);
        peer("A 1 ack %u", 1 + (i + 1) * 100);
    }
    state("ESTABLISHED");
    assert_int_equal(evicted(), 0);
    drop_all();
}

/* Bytes that its user does not take count as its own. */
static void unread_bytes_are_taken_back_too(void)
{
    world(.held_max_bytes = 60000);
    u_listen(NULL);
    accept_one("mss 1000");
    for (uint32_t i = 0; i < 60; i++) {
        peer("A %u(1000) ack 1", 1 + i * 1000);
        drop_all();
    }
    pass(12000);
    state("CLOSED");
    closed_for(SL_REASON_NO_RESOURCE);
    assert_int_equal(evicted(), 1);
}

/* ---- places ---- */

static void leave_orphan(uint32_t conn)
{
    on(conn);
    accept_one("mss 1000");
    u_shutdown();
    expect("FA 1 ack 1");
    u_release();
    peer("A 1 ack 2");
    state("FIN-WAIT-2");
}

static void a_new_connection_takes_the_place_of_the_oldest_orphan(void)
{
    world(.conns_max = 4);
    u_listen(NULL);
    on(0);
    accept_one("mss 1000");
    leave_orphan(1);
    pass(500);
    leave_orphan(2);
    pass(500);
    on(3);
    accept_one("mss 1000");
    on(4);
    peer("S 0 mss 1000");
    on(1);
    expect("R 2 ack 1");
    on(4);
    expect("SA 0 ack 1");
    peer("A 1 ack 1");
    state("ESTABLISHED");
    on(2);
    state("FIN-WAIT-2");
    on(0);
    state("ESTABLISHED");
    assert_int_equal(evicted(), 1);
}

static void a_dialled_connection_takes_a_place_as_well(void)
{
    world(.conns_max = 2);
    u_listen(NULL);
    leave_orphan(0);
    on(1);
    accept_one("mss 1000");
    on(2);
    assert_int_equal(u_connect(NULL), 0);
    on(0);
    expect("R 2 ack 1");
    on(2);
    expect("S 0");
    peer("SA 0 ack 1 mss 1000");
    expect("A 1 ack 1");
}

static void a_silent_last_ack_gives_its_place(void)
{
    world(.conns_max = 1);
    reach("LAST-ACK");
    on(1);
    peer("S 0 mss 1000");
    expect("SA 0 ack 1");
    on(0);
    state("CLOSED");
    closed_for(SL_REASON_NO_RESOURCE);
}

/* Open and quiet is what a kept connection is. */
static void fill_places(uint8_t cookies)
{
    world(.conns_max = 2);
    u_listen(&(struct sl_tcp_opts){.cookies = cookies});
    for (uint32_t i = 0; i < 2; i++) {
        on(i);
        accept_one("mss 1000");
    }
    pass(100000);
    on(2);
    peer("S 0 mss 1000");
}

static void keep_places(void)
{
    assert_int_equal(evicted(), 0);
    assert_int_equal(script_drops(SL_DROP_TCP_CONNS_MAX), 1);
    for (uint32_t i = 0; i < 2; i++) {
        on(i);
        state("ESTABLISHED");
    }
}

static void an_established_connection_keeps_its_place(void)
{
    fill_places(SL_TCP_COOKIES_OFF);
    expect_nothing();
    keep_places();
}

/* A cookie costs no place before it comes back. There is none then, and the client may try again: no RST. */
static void an_established_connection_keeps_its_place_from_a_cookie(void)
{
    fill_places(SL_TCP_COOKIES_AUTO);
    expect("SA 0 ack 1");
    peer("A 1 ack 1");
    expect_nothing();
    keep_places();
    u_abort();
    expect("R 1 ack 1");
    on(2);
    peer("A 1 ack 1");
    state("ESTABLISHED");
}

static void a_connection_whose_peer_takes_nothing_does_not(void)
{
    world(.conns_max = 2);
    u_listen(NULL);
    shut_window(0, 5000);
    on(1);
    accept_one("mss 1000");
    pass(11000);
    on(2);
    peer("S 0 mss 1000");
    on(0);
    expect("R * ack 1");
    closed_for(SL_REASON_NO_RESOURCE);
    on(2);
    expect("SA 0 ack 1");
}

/* Its answer was queued in this very step of the loop: nothing of it had a chance to go out yet. */
static void a_quiet_connection_whose_answer_is_just_queued_stays(void)
{
    struct conn *c;

    world(.conns_max = 1);
    u_listen(NULL);
    accept_one("mss 1000");
    pass(100000);
    c = conn_of_stream(u_stream());
    c->sndq.bytes++; /* as send does, without the output that follows it in a script */
    assert_false(sl_tcp_evict_room(c->t));
    c->sndq.bytes--;
    state("ESTABLISHED");
    assert_int_equal(evicted(), 0);
}

SCRIPT_MAIN(SCRIPT(memory_is_taken_from_whoever_is_idle_for_longest),
            SCRIPT(a_peer_that_answers_and_takes_nothing_is_idle),
            SCRIPT(who_makes_progress_stays_however_much_it_holds), SCRIPT(unread_bytes_are_taken_back_too),
            SCRIPT(a_new_connection_takes_the_place_of_the_oldest_orphan),
            SCRIPT(a_dialled_connection_takes_a_place_as_well), SCRIPT(a_silent_last_ack_gives_its_place),
            SCRIPT(an_established_connection_keeps_its_place),
            SCRIPT(an_established_connection_keeps_its_place_from_a_cookie),
            SCRIPT(a_connection_whose_peer_takes_nothing_does_not),
            SCRIPT(a_quiet_connection_whose_answer_is_just_queued_stays))
