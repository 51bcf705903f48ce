/* What the inline half of stream.h promises: the ready list, attaching, splitting slices; and that the table of reasons is complete. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream/stream.h"

static void every_reason_has_a_text_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < SL_REASON_COUNT; i++) {
        assert_non_null(sl_reason_text[i]);
        assert_true(sl_reason_text[i][0]);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(sl_reason_text[i], sl_reason_text[j]);
    }
}

static void a_stream_stands_once_in_the_ready_list_and_its_events_add_up(void **state)
{
    struct sl_ready ready;
    struct sl_stream s, other;
    uint8_t events;

    (void)state;
    sl_ready_init(&ready);
    sl_stream_init(&s, NULL);
    sl_stream_init(&other, NULL);
    sl_stream_attach(&s, &ready, NULL);
    sl_stream_attach(&other, &ready, NULL);
    assert_null(sl_ready_take(&ready, &events));
    sl_stream_raise(&s, SL_STREAM_OPEN);
    sl_stream_raise(&other, SL_STREAM_EOF);
    sl_stream_raise(&s, SL_STREAM_READABLE);
    assert_ptr_equal(sl_ready_take(&ready, &events), &s);
    assert_int_equal(events, SL_STREAM_OPEN | SL_STREAM_READABLE);
    assert_ptr_equal(sl_ready_take(&ready, &events), &other);
    assert_null(sl_ready_take(&ready, &events));
    sl_stream_raise(&s, SL_STREAM_EOF);
    assert_ptr_equal(sl_ready_take(&ready, &events), &s);
    assert_int_equal(events, SL_STREAM_EOF);
}

static void a_new_user_hears_what_holds_already(void **state)
{
    struct sl_ready before, after;
    struct sl_stream s;
    uint8_t events;

    (void)state;
    sl_ready_init(&before);
    sl_ready_init(&after);
    sl_stream_init(&s, NULL);
    sl_stream_raise(&s, SL_STREAM_OPEN); /* nobody listens yet */
    sl_stream_attach(&s, &before, NULL);
    sl_stream_attach(&s, &after, &s);
    assert_null(sl_ready_take(&before, &events));
    assert_ptr_equal(sl_ready_take(&after, &events), &s);
    assert_int_equal(events, SL_STREAM_OPEN);
    assert_ptr_equal(s.owner, &s);
}

static void a_split_slice_holds_a_reference_of_its_own(void **state)
{
    struct rte_mbuf m = {.refcnt = 1};
    struct sl_slice rest = {&m, 128, 100}, head = sl_slice_split(&rest, 30);

    (void)state;
    assert_int_equal(head.off, 128);
    assert_int_equal(head.len, 30);
    assert_int_equal(rest.off, 158);
    assert_int_equal(rest.len, 70);
    assert_int_equal(rte_mbuf_refcnt_read(&m), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reason_has_a_text_of_its_own),
        cmocka_unit_test(a_stream_stands_once_in_the_ready_list_and_its_events_add_up),
        cmocka_unit_test(a_new_user_hears_what_holds_already),
        cmocka_unit_test(a_split_slice_holds_a_reference_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
