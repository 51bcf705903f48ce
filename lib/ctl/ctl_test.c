/* The control thread against a real worker that runs on a thread of its own: what a client of the socket is told, and what a reload changes. */
#define _GNU_SOURCE /* O_TMPFILE */
#include "ctl/rig.h"

static void stats_as_json_have_workers_counters_and_drops(void **state)
{
    const char *answer = ask(*state, "stats json\n");

    assert_ptr_equal(strstr(answer, "ok\n{\"workers\":[{\"id\":0,\"counters\":{\""), answer);
    assert_non_null(strstr(answer, "],\"counters\":{"));
    assert_non_null(strstr(answer, "},\"drops\":{"));
    assert_string_equal(answer + strlen(answer) - 3, "}}\n");
}

static void workers_list_cycles_of_every_step(void **state)
{
    struct rig *r = *state;
    const char *answer;

    r->cycles[0][SL_STEP_PROXY] = 12345;
    answer = ask(r, "workers json\n");
    assert_non_null(strstr(answer, "\"proxy\":12345"));
    for (uint32_t s = 0; s < SL_STEP_COUNT; s++)
        assert_non_null(strstr(answer, sl_worker_step_name[s]));
}

static void empty_lists_are_whole_json(void **state)
{
    assert_string_equal(ask(*state, "conns json\n"), "ok\n{\"conns\":[]}\n");
    assert_string_equal(ask(*state, "neighbours json\n"), "ok\n{\"neighbours\":[]}\n");
}

static void crypto_names_a_backend_for_every_cipher_and_operation(void **state)
{
    const char *answer = ask(*state, "crypto json\n"), *last = answer;
    char name[64];

    assert_ptr_equal(strstr(answer, "ok\n{\"ciphers\":[{"), answer);
    for (uint32_t i = 0; i < SL_AEAD_COUNT; i++) {
        (void)snprintf(name, sizeof name, "{\"cipher\":\"%s\",\"backend\":\"", sl_aead_name[i]);
        last = strstr(last, name);
        assert_non_null(last);
    }
    for (uint32_t i = 0; i < SL_OP_KIND_COUNT; i++) {
        const char *ns;

        (void)snprintf(name, sizeof name, "{\"operation\":\"%s\",\"backend\":\"", sl_op_name[i]);
        last = strstr(last, name);
        assert_non_null(last);
        ns = strstr(last, "\"ns\":");
        assert_non_null(ns);
        assert_int_equal(strtoul(ns + 5, NULL, 10) > 0,
                         i != SL_OP_RSA2048_PRIVATE && i != SL_OP_RSA3072_PRIVATE && i != SL_OP_RSA4096_PRIVATE);
    }
    assert_string_equal(answer + strlen(answer) - 4, "}]}\n");
}

static void unknown_command_is_an_error_without_unprintable_bytes(void **state)
{
    const char *answer = ask(*state, "no\033such\n");

    assert_ptr_equal(strstr(answer, "error\n"), answer);
    assert_null(strchr(answer, '\033'));
    assert_non_null(strstr(answer, "no?such"));
    assert_ptr_equal(strstr(ask(*state, "\n"), "error\n"), ask(*state, "\n"));
}

static void unknown_command_answers_in_json_where_json_is_asked(void **state)
{
    assert_string_equal(ask(*state, "no\"such json\n"),
                        "error\n{\"error\":\"no such command: no\\\"such; help lists them\"}\n");
}

static void endless_request_is_dropped(void **state)
{
    struct rig *r = *state;
    char rubbish[1024];
    int fd = dial(r);
    ssize_t n = -1;

    memset(rubbish, 'x', sizeof rubbish);
    assert_int_equal(write(fd, rubbish, sizeof rubbish), sizeof rubbish);
    for (int i = 0; i < 100 && n < 0; i++) {
        sl_ctl_poll(r->ctl, 1);
        n = read(fd, rubbish, sizeof rubbish);
        if (n < 0 && errno == ECONNRESET)
            n = 0;
    }
    assert_int_equal(n, 0);
    close(fd);
}

static void fifteen_silent_clients_hold_up_nobody(void **state)
{
    struct rig *r = *state;
    int fds[15];

    for (size_t i = 0; i < SL_ARRAY_LEN(fds); i++)
        fds[i] = dial(r);
    sl_ctl_poll(r->ctl, 1);
    assert_string_equal(ask(r, "version text\n"), "ok\nsluice 0.0.1\n");
    for (size_t i = 0; i < SL_ARRAY_LEN(fds); i++)
        close(fds[i]);
}

static void socket_is_for_its_owner_only(void **state)
{
    struct rig *r = *state;
    struct stat st;

    assert_int_equal(stat(r->socket_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void second_appliance_on_the_socket_is_refused(void **state)
{
    struct rig *r = *state;
    struct sl_conf *conf = load(r);
    struct sl_ctl_params params = params_of(r, conf);
    struct sl_ctl *second = NULL;
    struct sl_err err;

    assert_int_equal(sl_ctl_create(&params, &second, &err), -EADDRINUSE);
    assert_non_null(strstr(err.text, "another sluice answers there"));
    sl_conf_free(conf);
}

static void bad_reload_tells_line_and_column_and_keeps_the_old(void **state)
{
    struct rig *r = *state;
    const char *answer;

    write_conf(r, "listenerz: []\n");
    answer = ask(r, "reload text\n");
    assert_ptr_equal(strstr(answer, "error\n"), answer);
    assert_non_null(strstr(answer, "sluice.yaml:8:1: "));
    assert_non_null(strstr(read_log(r), "sluice.yaml:8:1: "));
    assert_non_null(strstr(ask(r, "workers json\n"), "\"generation\":1,"));
}

static void good_reload_is_the_next_generation(void **state)
{
    struct rig *r = *state;

    write_conf(r, "limits: { drain_timeout: 5s }\n");
    assert_non_null(strstr(ask(r, "reload json\n"), "ok\n{\"generation\":2,"));
    assert_non_null(strstr(ask(r, "workers json\n"), "\"generation\":2,"));
}

static void many_reloads_without_connections_keep_no_old_configuration(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 30; i++)
        assert_int_equal(sl_ctl_reload(r->ctl, NULL, 0), 0);
}

static void key_that_needs_a_restart_is_named(void **state)
{
    struct rig *r = *state;
    const char *answer;

    write_conf(r, "control: { socket: other.sock }\n");
    answer = ask(r, "reload text\n");
    assert_ptr_equal(strstr(answer, "error\n"), answer);
    assert_non_null(strstr(answer, "restart"));
}

static void drained_when_no_connection_is_left(void **state)
{
    struct rig *r = *state;

    sl_ctl_drain(r->ctl);
    assert_true(sl_ctl_drained(r->ctl));
    sl_ctl_abort(r->ctl);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(stats_as_json_have_workers_counters_and_drops),
        T(workers_list_cycles_of_every_step),
        T(empty_lists_are_whole_json),
        T(crypto_names_a_backend_for_every_cipher_and_operation),
        T(unknown_command_is_an_error_without_unprintable_bytes),
        T(unknown_command_answers_in_json_where_json_is_asked),
        T(endless_request_is_dropped),
        T(fifteen_silent_clients_hold_up_nobody),
        T(socket_is_for_its_owner_only),
        T(second_appliance_on_the_socket_is_refused),
        T(bad_reload_tells_line_and_column_and_keeps_the_old),
        T(good_reload_is_the_next_generation),
        T(many_reloads_without_connections_keep_no_old_configuration),
        T(key_that_needs_a_restart_is_named),
        T(drained_when_no_connection_is_left),
    };

    return cmocka_run_group_tests(tests, th_eal_setup, NULL);
}
