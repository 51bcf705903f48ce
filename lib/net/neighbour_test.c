/* The neighbour cache in time: waiting, retrying, probing, forgetting, and what a flood costs. */
#include "net/rig_neighbour.h"

static void segments_wait_for_the_answer_in_order(void **state)
{
    (void)state;
    EACH_FAMILY(f)
    {
        struct sl_net_path path = path_to(f, f->peer);

        for (uint16_t k = 1; k <= 3; k++)
            assert_int_equal(emit(f, &path, f->peer, k), 0);
        asked(f, f->peer, 0);
        quiet();
        assert_int_equal(reply(f, f->peer, 5), NO_DROP);
        for (uint16_t k = 1; k <= 3; k++)
            expect_segment_to(5, k);
        expect(f->peer, "reachable", 5);
        assert_int_equal(emit(f, &path, f->peer, 4), 0);
        expect_segment_to(5, 4);
        assert_int_equal(rig.stats.ctr[SL_CTR_NET_PENDING], 0);
    }
}

static void the_fourth_that_waits_pushes_the_first_out(void **state)
{
    (void)state;
    EACH_FAMILY(f)
    {
        struct sl_net_path path = path_to(f, f->peer);
        uint64_t before = rig.stats.drop[SL_DROP_NEIGHBOUR_PENDING];

        for (uint16_t k = 1; k <= 5; k++)
            assert_int_equal(emit(f, &path, f->peer, k), 0);
        assert_int_equal(rig.stats.drop[SL_DROP_NEIGHBOUR_PENDING], before + 2);
        asked(f, f->peer, 0);
        reply(f, f->peer, 5);
        for (uint16_t k = 3; k <= 5; k++)
            expect_segment_to(5, k);
        quiet();
    }
}

static void three_questions_then_unreachable_then_again(void **state)
{
    (void)state;
    EACH_FAMILY(f)
    {
        struct sl_net_path path = path_to(f, f->peer);
        uint64_t dropped = rig.stats.drop[SL_DROP_NEIGHBOUR_FAILED];
        struct sl_event ev;

        assert_int_equal(emit(f, &path, f->peer, 1), 0);
        for (int k = 0; k < 3; k++) {
            asked(f, f->peer, 0);
            quiet();
            rig_pass(S + SL_NS_PER_MS);
        }
        quiet();
        expect(f->peer, "failed", 0);
        assert_int_equal(rig.stats.drop[SL_DROP_NEIGHBOUR_FAILED], dropped + 1);
        assert_true(sl_event_take(&rig.stats, &ev));
        assert_int_equal(ev.kind, SL_EVENT_NEIGHBOUR_FAILED);
        assert_string_equal(ev.note, f->peer);
        assert_int_equal(emit(f, &path, f->peer, 2), -EHOSTUNREACH);
        quiet();
        rig_pass(S + SL_NS_PER_MS);
        expect(f->peer, "", 0);
        assert_int_equal(emit(f, &path, f->peer, 3), 0);
        asked(f, f->peer, 0);
        reply(f, f->peer, 6);
        expect_segment_to(6, 3);
    }
}

static void far_peers_are_reached_by_the_gateway(void **state)
{
    (void)state;
    EACH_FAMILY(f)
    {
        struct sl_net_path path = path_to(f, f->far);

        assert_int_equal(emit(f, &path, f->far, 1), 0);
        asked(f, f->gateway, 0);
        reply(f, f->gateway, 9);
        expect_segment_to(9, 1);
        expect(f->far, "", 0);
    }
}

static void a_stale_neighbour_is_used_then_probed_then_forgotten(void **state)
{
    (void)state;
    EACH_FAMILY(f)
    {
        struct sl_net_path path = path_to(f, f->peer);
        struct th_pkt p;

        request(f, f->peer, 5);
        rig_out(FRONT, &p);
        assert_int_equal(emit(f, &path, f->peer, 1), 0);
        expect_segment_to(5, 1);
        expect(f->peer, "delay", 5);
        rig_pass(5 * S + SL_NS_PER_MS);
        expect(f->peer, "probe", 5);
        for (int k = 0; k < 3; k++) {
            asked(f, f->peer, 5);
            quiet();
            assert_int_equal(emit(f, &path, f->peer, 2), 0); /* goes on to the address that is known */
            expect_segment_to(5, 2);
            rig_pass(S + SL_NS_PER_MS);
        }
        expect(f->peer, "", 0);
        assert_int_equal(emit(f, &path, f->peer, 3), 0);
        asked(f, f->peer, 0);
        reply(f, f->peer, 7);
        expect_segment_to(7, 3);
    }
}

static void an_answered_probe_makes_the_neighbour_reachable(void **state)
{
    (void)state;
    EACH_FAMILY(f)
    {
        struct sl_net_path path = path_to(f, f->peer);
        struct th_pkt p;

        request(f, f->peer, 5);
        rig_out(FRONT, &p);
        emit(f, &path, f->peer, 1);
        expect_segment_to(5, 1);
        rig_pass(5 * S + SL_NS_PER_MS);
        asked(f, f->peer, 5);
        assert_int_equal(reply(f, f->peer, 5), NO_DROP);
        expect(f->peer, "reachable", 5);
        rig_pass(46 * S);
        expect(f->peer, "stale", 5);
        quiet();
        rig_pass(601 * S);
        expect(f->peer, "", 0);
    }
}

static void progress_above_keeps_a_neighbour_without_questions(void **state)
{
    (void)state;
    EACH_FAMILY(f)
    {
        struct sl_net_path path = path_to(f, f->peer);
        struct sl_ip remote = th_ip(f->peer);

        emit(f, &path, f->peer, 1);
        asked(f, f->peer, 0);
        reply(f, f->peer, 5);
        expect_segment_to(5, 1);
        for (int k = 0; k < 200; k++) {
            sl_net_confirm(rig.net, &path, &remote, rig.now);
            assert_int_equal(emit(f, &path, f->peer, 2), 0);
            expect_segment_to(5, 2);
            rig_pass(S);
            expect(f->peer, "reachable", 5);
        }
        quiet();
    }
}

static void confirming_a_path_that_is_not_known_changes_nothing(void **state)
{
    (void)state;
    EACH_FAMILY(f)
    {
        struct sl_net_path path = path_to(f, f->peer);
        struct sl_ip remote = th_ip(f->peer);

        sl_net_confirm(rig.net, &path, &remote, rig.now);
        path.neighbour = 17; /* a hint that has become wrong */
        sl_net_confirm(rig.net, &path, &remote, rig.now);
        expect(f->peer, "", 0);
        assert_int_equal(emit(f, &path, f->peer, 1), 0);
        sl_net_confirm(rig.net, &path, &remote, rig.now);
        expect(f->peer, "incomplete", 0);
        asked(f, f->peer, 0);
    }
}

static void a_flood_of_askers_is_bounded_and_spares_who_is_in_use(void **state)
{
    const struct family *f = &families[1];
    struct sl_net_path path = path_to(f, f->peer), gateway = path_to(f, f->far);
    struct rte_mbuf *frames[64];
    uint32_t n;

    (void)state;
    emit(f, &path, f->peer, 1);
    reply(f, f->peer, 5);
    request(f, f->gateway, 9); /* a gateway, only stale */
    for (uint32_t k = 0; k < 2 * SL_NET_NEIGHBOURS_MAX; k++) {
        char who[64];

        snprintf(who, sizeof who, "2001:db8:1::1:%x", k);
        rig.now += SL_NS_PER_MS;
        assert_int_equal(request(f, who, 1000 + k), NO_DROP);
        while ((n = sl_net_tx(rig.net, FRONT, frames, 64)) > 0)
            rte_pktmbuf_free_bulk(frames, n);
    }
    assert_int_equal(entry(f->peer).n, SL_NET_NEIGHBOURS_MAX);
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_NEIGHBOURS], SL_NET_NEIGHBOURS_MAX);
    expect(f->peer, "reachable", 5);
    expect(f->gateway, "stale", 9);
    emit(f, &gateway, f->far, 2);
    expect_segment_to(9, 2);
}

static void a_flood_to_unknown_neighbours_is_bounded_in_entries_and_frames(void **state)
{
    const struct family *f = &families[1];
    struct rte_mbuf *frames[64];
    uint32_t n;

    (void)state;
    for (uint32_t k = 0; k < 3000; k++) {
        struct sl_net_path path;
        char who[64];

        snprintf(who, sizeof who, "2001:db8:1::1:%x", k);
        path = path_to(f, who);
        emit(f, &path, who, 1);
        while ((n = sl_net_tx(rig.net, FRONT, frames, 64)) > 0)
            rte_pktmbuf_free_bulk(frames, n);
        assert_true(rig.stats.ctr[SL_CTR_NET_PENDING] <= 512);
    }
    assert_int_equal(entry(f->peer).incomplete, SL_NET_NEIGHBOURS_MAX / 4);
    assert_true(rig.stats.drop[SL_DROP_NEIGHBOUR_EVICTED] + rig.stats.drop[SL_DROP_NEIGHBOUR_PENDING] >= 3000 - 512);
    rig_pass(5 * S);
    assert_int_equal(entry(f->peer).n, 0);
    assert_int_equal(rig.stats.ctr[SL_CTR_NET_PENDING], 0);
}

static void a_hint_that_names_another_entry_is_noticed(void **state)
{
    const struct family *f = &families[0];
    struct sl_net_path path = path_to(f, f->peer);
    struct th_pkt p;

    (void)state;
    emit(f, &path, f->peer, 1);
    rig_pass(5 * S); /* failed and forgotten; the slot goes to another */
    while (rig_out(FRONT, &p))
        ;
    request(f, "198.18.0.78", 8);
    assert_true(rig_out(FRONT, &p));
    emit(f, &path, f->peer, 2);
    asked(f, f->peer, 0);
    reply(f, f->peer, 5);
    expect_segment_to(5, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG_TEST(segments_wait_for_the_answer_in_order),
        RIG_TEST(the_fourth_that_waits_pushes_the_first_out),
        RIG_TEST(three_questions_then_unreachable_then_again),
        RIG_TEST(far_peers_are_reached_by_the_gateway),
        RIG_TEST(a_stale_neighbour_is_used_then_probed_then_forgotten),
        RIG_TEST(an_answered_probe_makes_the_neighbour_reachable),
        RIG_TEST(progress_above_keeps_a_neighbour_without_questions),
        RIG_TEST(confirming_a_path_that_is_not_known_changes_nothing),
        RIG_TEST(a_flood_of_askers_is_bounded_and_spares_who_is_in_use),
        RIG_TEST(a_flood_to_unknown_neighbours_is_bounded_in_entries_and_frames),
        RIG_TEST(a_hint_that_names_another_entry_is_noticed),
    };

    return cmocka_run_group_tests(tests, rig_pools, th_leak_teardown);
}
