/* Reports, of a run that was made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "report.h"

static const char *const corners[] = {"key share used 1000 times", "certificates \"not\" checked\n", NULL};
static const double busy[] = {0.61, 1};
static struct load_plan plan;
static struct tally flows[2];
static struct report report = {
    .plan = &plan, .seconds = 10, .flows = flows, .corners = corners, .busy = busy, .n_workers = 2};

static int make(void **state)
{
    (void)state;
    plan = (struct load_plan){.mode = "mixed", .n_flows = 2};
    plan.flows[0] = (struct load_flow){.mode = LOAD_REQUEST, .connections = 64, .get_bytes = 1024};
    plan.flows[1] = (struct load_flow){.mode = LOAD_UPLOAD, .connections = 16, .rate = 2.5e6, .put_bytes = 1 << 20};
    tally_clear(&flows[0]);
    tally_clear(&flows[1]);
    flows[0].operations = 1234567;
    flows[0].handshakes = 64;
    flows[0].resumed = 3;
    flows[0].checked = 2;
    flows[0].bytes_in = 1300000000;
    flows[0].bytes_out = 70000000;
    flows[0].failed[LOAD_FAIL_RESET] = 5;
    flows[0].failed[LOAD_FAIL_TIMEOUT] = 1;
    flows[0].open = 63;
    for (uint64_t i = 1; i <= 100; i++)
        histogram_add(&flows[0].latency, i);
    histogram_add(&flows[0].handshake, 2500000);
    flows[1].overdue = 9;
    return 0;
}

static char *text_of(void (*write)(FILE *, const struct report *))
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    write(f, &report);
    fclose(f);
    return text;
}

static void the_object_is_as_programs_expect_it(void **state)
{
    char *text = text_of(report_json);

    (void)state;
    assert_string_equal(
        text,
        "{\"program\":\"sluice-load\",\"mode\":\"mixed\",\"seconds\":10.000,"
        "\"corners\":[\"key share used 1000 times\",\"certificates \\\"not\\\" checked\\u000a\"],"
        "\"flows\":[{\"mode\":\"request\",\"connections\":64,\"rate\":0,\"operations\":1234567,"
        "\"operations_per_s\":123456.700,\"failed\":6,\"failures\":{\"connect\":0,\"ports\":0,\"tls\":0,"
        "\"not_resumed\":0,\"reset\":5,\"eof\":0,\"status\":0,\"bytes\":0,\"timeout\":1},\"overdue\":0,"
        "\"handshakes\":64,\"resumed\":3,\"checked\":2,\"bytes_in\":1300000000,\"bytes_out\":70000000,"
        "\"latency_us\":{\"min\":0.001,\"mean\":0.050,\"p50\":0.050,\"p90\":0.090,\"p99\":0.099,\"p99.9\":0.100,"
        "\"p99.99\":0.100,\"max\":0.100},"
        "\"handshake_us\":{\"min\":2500.000,\"mean\":2500.000,\"p50\":2500.000,\"p90\":2500.000,\"p99\":2500.000,"
        "\"p99.9\":2500.000,\"p99.99\":2500.000,\"max\":2500.000}},"
        "{\"mode\":\"upload\",\"connections\":16,\"rate\":2500000,\"operations\":0,\"operations_per_s\":0.000,"
        "\"failed\":0,\"failures\":{\"connect\":0,\"ports\":0,\"tls\":0,\"not_resumed\":0,\"reset\":0,\"eof\":0,"
        "\"status\":0,\"bytes\":0,\"timeout\":0},\"overdue\":9,\"handshakes\":0,\"resumed\":0,\"checked\":0,"
        "\"bytes_in\":0,\"bytes_out\":0,"
        "\"latency_us\":{\"min\":0.000,\"mean\":0.000,\"p50\":0.000,\"p90\":0.000,\"p99\":0.000,\"p99.9\":0.000,"
        "\"p99.99\":0.000,\"max\":0.000},"
        "\"handshake_us\":{\"min\":0.000,\"mean\":0.000,\"p50\":0.000,\"p90\":0.000,\"p99\":0.000,\"p99.9\":0.000,"
        "\"p99.99\":0.000,\"max\":0.000}}],"
        "\"workers\":[{\"busy\":0.6100},{\"busy\":1.0000}]}\n");
    free(text);
}

static void a_run_of_no_time_and_no_flow_has_a_report(void **state)
{
    char *text;

    (void)state;
    plan = (struct load_plan){.mode = "flood", .flood = true, .flood_kind = FLOOD_ACK, .flood_rate = 1e6};
    report.seconds = 0;
    report.corners = NULL;
    report.frames = 17;
    text = text_of(report_json);
    assert_string_equal(text,
                        "{\"program\":\"sluice-load\",\"mode\":\"flood\",\"seconds\":0.000,\"corners\":[],\"flows\":[],"
                        "\"flood\":{\"kind\":\"ack\",\"rate\":1000000,\"frames\":17,\"frames_per_s\":0.000},"
                        "\"workers\":[{\"busy\":0.6100},{\"busy\":1.0000}]}\n");
    free(text);
    text = text_of(report_text);
    assert_non_null(strstr(text, "flood of ack: 17 frames, 0.0/s\n"));
    assert_null(strstr(text, "corners"));
    free(text);
    report.seconds = 10;
    report.corners = corners;
}

static void a_person_reads_what_was_done_and_what_was_not(void **state)
{
    static const char *const lines[] = {
        "mixed, 10.0 s\n",
        "request: 64 connections, closed loop, 1 KiB answers\n",
        "  operations        1234567  123456.7/s\n",
        "  failed                  6: reset 5, timeout 1\n",
        "  handshakes             64  6.4/s, 3 resumed, 2 certificates checked\n",
        "  received     124.0 MiB/s, sent 6835.9 KiB/s\n",
        "  us               min      mean       p50       p90       p99     p99.9    p99.99       max\n",
        "  handshake     2500.0    2500.0    2500.0    2500.0    2500.0    2500.0    2500.0    2500.0\n",
        "upload: 16 connections, open loop of 2.5e+06/s, 1 MiB there, 0 B back\n",
        "  failed                  0\n",
        "  overdue                 9  never began: the rate was not reached\n",
        "workers busy  61 % 100 %\n",
        "corners cut   key share used 1000 times, certificates \"not\" checked\n",
    };
    char *text = text_of(report_text);
    const char *at = text;

    (void)state;
    for (size_t i = 0; i < SL_ARRAY_LEN(lines); i++) {
        const char *found = strstr(at, lines[i]);

        if (!found)
            fail_msg("no line\n%sin\n%s", lines[i], text);
        at = found + strlen(lines[i]);
    }
    free(text);
}

static char *progress(bool terminal, const struct tally *before)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    report_progress(f, terminal, 12.5, &plan, flows, before, 2);
    fclose(f);
    return text;
}

static void progress_says_what_came_since_the_last(void **state)
{
    static struct tally before[2];
    char *text;

    (void)state;
    before[0].operations = 1234367;
    before[0].failed[LOAD_FAIL_RESET] = 4;
    before[1].operations = 5; /* counters went back to 0 when the warm-up ended */
    text = progress(false, before);
    assert_string_equal(text, "   12.5 s  request 100.0/s, 2 failed, 63 open | upload 0.0/s, 0 failed, 0 open\n");
    free(text);
    text = progress(true, before);
    assert_string_equal(text, "\r   12.5 s  request 100.0/s, 2 failed, 63 open | upload 0.0/s, 0 failed, 0 open\033[K");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_object_is_as_programs_expect_it, make),
        cmocka_unit_test_setup(a_run_of_no_time_and_no_flow_has_a_report, make),
        cmocka_unit_test_setup(a_person_reads_what_was_done_and_what_was_not, make),
        cmocka_unit_test_setup(progress_says_what_came_since_the_last, make),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
