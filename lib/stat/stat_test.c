/* The tables, the event limiter, the ring, and the text of a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "stat/stat.h"

static struct sl_stats stats;

static int fresh(void **state)
{
    (void)state;
    memset(&stats, 0, sizeof stats);
    return 0;
}

/* Tables are arrays of structs that begin with the name; help is handed in by index. */
static void check_names(const char *const *names, const char *const *helps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_non_null(names[i]);
        assert_non_null(helps[i]);
        assert_true(names[i][0] && helps[i][0]);
        assert_int_equal(strspn(names[i], "abcdefghijklmnopqrstuvwxyz0123456789_."), strlen(names[i]));
        assert_true(strlen(names[i]) < 64); /* a telemetry name */
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(names[i], names[j]);
    }
}

static void every_table_is_complete_with_unique_names_and_help(void **state)
{
    const char *names[SL_CTR_COUNT + SL_DROP_COUNT + SL_EVENT_COUNT], *helps[SL_ARRAY_LEN(names)];

    (void)state;
    for (size_t i = 0; i < SL_CTR_COUNT; i++) {
        names[i] = sl_ctr_info[i].name;
        helps[i] = sl_ctr_info[i].help;
        assert_true(sl_ctr_info[i].kind == SL_COUNTER || sl_ctr_info[i].kind == SL_GAUGE);
    }
    check_names(names, helps, SL_CTR_COUNT);
    for (size_t i = 0; i < SL_DROP_COUNT; i++) {
        names[i] = sl_drop_info[i].name;
        helps[i] = sl_drop_info[i].help;
        assert_true(sl_drop_info[i].severity <= SL_ERROR);
    }
    check_names(names, helps, SL_DROP_COUNT);
    for (size_t i = 0; i < SL_EVENT_COUNT; i++) {
        names[i] = sl_event_info[i].name;
        helps[i] = sl_event_info[i].text;
        assert_true(sl_event_info[i].severity <= SL_ERROR);
    }
    check_names(names, helps, SL_EVENT_COUNT);
}

static void counters_add_and_subtract(void **state)
{
    (void)state;
    sl_stat_inc(&stats, SL_CTR_TCP_CONNS);
    sl_stat_add(&stats, SL_CTR_TCP_CONNS, 9);
    sl_stat_sub(&stats, SL_CTR_TCP_CONNS, 3);
    sl_stat_drop(&stats, SL_DROP_NO_MBUF);
    assert_int_equal(sl_stat_read(&stats.ctr[SL_CTR_TCP_CONNS]), 7);
    assert_int_equal(sl_stat_read(&stats.drop[SL_DROP_NO_MBUF]), 1);
}

static void events_come_out_in_order_with_their_time(void **state)
{
    struct sl_event ev = {.kind = SL_EVENT_BACK_REFUSED};

    (void)state;
    for (int32_t i = 1; i <= 3; i++) {
        ev.code = i;
        sl_event_emit(&stats, (uint64_t)i * 100, &ev);
    }
    for (int32_t i = 1; i <= 3; i++) {
        assert_true(sl_event_take(&stats, &ev));
        assert_int_equal(ev.code, i);
        assert_int_equal(ev.at_ns, i * 100);
    }
    assert_false(sl_event_take(&stats, &ev));
}

static uint32_t emit_many(uint32_t n, uint64_t now)
{
    struct sl_event ev = {.kind = SL_EVENT_BACK_REFUSED};
    uint32_t taken = 0;

    for (uint32_t i = 0; i < n; i++)
        sl_event_emit(&stats, now, &ev);
    while (sl_event_take(&stats, &ev))
        taken++;
    return taken;
}

static void a_kind_is_held_to_ten_a_second_after_a_burst_of_twenty(void **state)
{
    struct sl_event ev = {.kind = SL_EVENT_BACK_REFUSED};

    (void)state;
    assert_int_equal(emit_many(50, 0), 20); /* zeroed memory at time zero is a full bucket */
    assert_int_equal(sl_stat_read(&stats.ctr[SL_CTR_EVENTS_LIMITED]), 30);
    assert_int_equal(emit_many(50, SL_NS_PER_S), 10);
    assert_int_equal(emit_many(50, SL_NS_PER_S + SL_NS_PER_S / 10 - 1), 0);
    sl_event_emit(&stats, SL_NS_PER_S + SL_NS_PER_S / 10, &ev);
    assert_true(sl_event_take(&stats, &ev));
    assert_int_equal(ev.suppressed, 40 + 50);
    assert_int_equal(emit_many(50, 3600 * SL_NS_PER_S), 20); /* credit does not pile up */
}

static void a_full_ring_loses_the_new_and_counts_it(void **state)
{
    struct sl_event ev = {.kind = SL_EVENT_BACK_REFUSED};
    uint32_t n = 0;

    (void)state;
    for (uint32_t i = 0; i < SL_EVENT_RING + 5; i++) {
        ev.code = (int32_t)i + 1;
        sl_event_emit(&stats, i * SL_NS_PER_S, &ev);
    }
    assert_int_equal(sl_stat_read(&stats.ctr[SL_CTR_EVENTS_RING_FULL]), 5);
    while (sl_event_take(&stats, &ev))
        assert_int_equal(ev.code, ++n);
    assert_int_equal(n, SL_EVENT_RING);
    sl_event_emit(&stats, 1000 * SL_NS_PER_S, &ev);
    assert_true(sl_event_take(&stats, &ev));
    assert_int_equal(ev.suppressed, 5);
}

static void a_line_names_listener_peer_origin_text_and_error(void **state)
{
    struct sl_event ev = {.kind = SL_EVENT_BACK_REFUSED, .code = -ECONNREFUSED, .listener = "https"};
    char out[256];

    (void)state;
    assert_true(sl_endpoint_parse("198.18.0.2:41234", &ev.peer));
    assert_true(sl_endpoint_parse("198.18.1.2:8080", &ev.other));
    assert_string_equal(sl_event_format(&ev, out, sizeof out),
                        "warn back_refused listener=https peer=198.18.0.2:41234 origin=198.18.1.2:8080 "
                        "the origin refused the connection (connection refused)");
    ev = (struct sl_event){.kind = SL_EVENT_BACK_FAILED, .why = "out of resources"};
    assert_string_equal(sl_event_format(&ev, out, sizeof out),
                        "warn back_failed the connection to the origin could not be made (out of resources)");
    ev = (struct sl_event){.kind = SL_EVENT_BACK_REFUSED, .code = 40, .suppressed = 3};
    assert_string_equal(sl_event_format(&ev, out, sizeof out),
                        "warn back_refused the origin refused the connection (40) [3 more of these not shown]");
}

static void what_a_peer_chose_is_escaped_and_the_line_is_cut_to_its_room(void **state)
{
    struct sl_event ev = {.kind = SL_EVENT_BACK_REFUSED};
    char out[256], small[10];

    (void)state;
    memcpy(ev.note, "a\"b\n\\\x1b\xc3(", 8);
    assert_string_equal(sl_event_format(&ev, out, sizeof out),
                        "warn back_refused note=\"a\\x22b\\x0a\\x5c\\x1b\\xc3(\" the origin refused the connection");
    memset(ev.note, 'n', sizeof ev.note); /* no final zero */
    memset(ev.listener, 'l', sizeof ev.listener);
    sl_event_format(&ev, out, sizeof out);
    assert_non_null(strstr(out, "=llllllllllllllllllllllll note=\"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\" the"));
    assert_string_equal(sl_event_format(&ev, small, sizeof small), "warn back");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_is_complete_with_unique_names_and_help),
        cmocka_unit_test_setup(counters_add_and_subtract, fresh),
        cmocka_unit_test_setup(events_come_out_in_order_with_their_time, fresh),
        cmocka_unit_test_setup(a_kind_is_held_to_ten_a_second_after_a_burst_of_twenty, fresh),
        cmocka_unit_test_setup(a_full_ring_loses_the_new_and_counts_it, fresh),
        cmocka_unit_test(a_line_names_listener_peer_origin_text_and_error),
        cmocka_unit_test(what_a_peer_chose_is_escaped_and_the_line_is_cut_to_its_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
