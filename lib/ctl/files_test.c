/* Files that a running configuration names: a change of theirs is taken, or told and left, without a reload; ticket keys
 * rotate. */
#define _GNU_SOURCE /* O_TMPFILE */
#include "ctl/rig.h"

#include "helpers/tls_kit.h"
#include "tls/ticket.h"

static const char more[] =
    "  - { name: https, address: \"198.18.0.10:443\", certificates: site, tls: t, upstream: app }\n"
    "certificates: [{ name: site, chain: site.crt, key: site.key }]\n"
    "tls: [{ name: t, ticket_keys: t.keys }, { name: u, ticket_keys: t.keys },\n"
    "      { name: asks, client_certificates: optional, client_ca: site.crt }]\n";

static const char *const names[] = {"www.example.com", NULL};
static const struct th_cert_opts certs[] = {{.key = TH_KEY_P256, .subject = "CN=one", .names = names},
                                            {.key = TH_KEY_P384, .subject = "CN=two", .names = names}};

static void put(const struct rig *r, const char *name, const char *contents)
{
    char path[128], temporary[140];
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/%s", r->dir, name);
    (void)snprintf(temporary, sizeof temporary, "%s.tmp", path);
    f = fopen(temporary, "w");
    assert_non_null(f);
    assert_true(fputs(contents, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(temporary, path), 0);
}

static void put_chain(const struct rig *r, const struct th_cert_opts *o)
{
    char *pem = th_cert_pem(o);

    put(r, "site.crt", pem);
    free(pem);
}

static void put_key(const struct rig *r, const struct th_cert_opts *o)
{
    char *pem = th_key_pem(o->key, o->key_index);

    put(r, "site.key", pem);
    free(pem);
}

static void put_keys(const struct rig *r, struct sl_ticket_set *set)
{
    char contents[SL_TICKET_TEXT_MAX];

    sl_ticket_set_format(set, contents);
    put(r, "t.keys", contents);
}

static void get_keys(const struct rig *r, struct sl_ticket_set *set)
{
    char path[128], contents[SL_TICKET_TEXT_MAX];
    uint32_t line;
    FILE *f;

    (void)snprintf(path, sizeof path, "%s/t.keys", r->dir);
    f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(sl_ticket_set_parse(set, contents, fread(contents, 1, sizeof contents, f), &line), 0);
    fclose(f);
}

static int begin_with(void **state, const char *tail)
{
    struct rig *r = rig_new();
    static char all[1024];
    struct sl_ticket_set set;

    (void)snprintf(all, sizeof all, "%s%s", more, tail);
    r->more = all;
    put_chain(r, &certs[0]);
    put_key(r, &certs[0]);
    sl_ticket_set_make(&set);
    put_keys(r, &set);
    rig_start(r);
    *state = r;
    return 0;
}

static int begin(void **state) { return begin_with(state, ""); }
static int begin_blind(void **state) { return begin_with(state, "control: { watch: off }\n"); }

static int end(void **state)
{
    static const char *const files[] = {"site.crt", "site.key", "t.keys"};
    struct rig *r = *state;
    char path[128];

    for (size_t i = 0; i < SL_ARRAY_LEN(files); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", r->dir, files[i]);
        (void)unlink(path);
    }
    return teardown(state);
}

/* Serves until the log has the text. */
static bool comes_to_say(struct rig *r, const char *what)
{
    for (int i = 0; i < 2000; i++) {
        if (strstr(read_log(r), what))
            return true;
        sl_ctl_poll(r->ctl, 1);
    }
    return false;
}

/* Serves for some rounds over the files. */
static void go_on(struct rig *r)
{
    for (int i = 0; i < 30; i++)
        sl_ctl_poll(r->ctl, 2);
}

static uint32_t times(const struct rig *r, const char *what)
{
    uint32_t n = 0;

    for (const char *p = read_log(r); (p = strstr(p, what)); p++)
        n++;
    return n;
}

static void files_that_stay_are_left_alone(void **state)
{
    struct rig *r = *state;

    go_on(r);
    put_key(r, &certs[0]); /* the same contents */
    go_on(r);
    assert_non_null(strstr(ask(r, "workers json\n"), "\"generation\":1,"));
    assert_string_equal(read_log(r), "");
}

static void a_new_certificate_is_taken_once_its_key_fits(void **state)
{
    struct rig *r = *state;

    go_on(r);
    write_conf(r, "an edit that waits for a reload");
    put_chain(r, &certs[1]);
    assert_true(comes_to_say(r, "the key does not match"));
    go_on(r);
    assert_int_equal(times(r, "the key does not match"), 1);
    assert_non_null(strstr(ask(r, "workers json\n"), "\"generation\":1,"));
    put_key(r, &certs[1]);
    assert_true(comes_to_say(r, "with changed files is generation 2"));
    go_on(r);
    assert_non_null(strstr(ask(r, "workers json\n"), "\"generation\":2,"));
}

static void a_certificate_that_changed_right_after_it_was_read_is_taken(void **state)
{
    struct rig *r = *state;

    put_chain(r, &certs[1]);
    put_key(r, &certs[1]);
    assert_true(comes_to_say(r, "with changed files is generation 2"));
}

static void a_file_that_is_gone_is_told_and_the_old_goes_on(void **state)
{
    struct rig *r = *state;
    char path[128];

    go_on(r);
    (void)snprintf(path, sizeof path, "%s/site.crt", r->dir);
    assert_int_equal(unlink(path), 0);
    assert_true(comes_to_say(r, "can't be read: No such file or directory"));
    assert_true(comes_to_say(r, "the running configuration goes on"));
    assert_non_null(strstr(ask(r, "workers json\n"), "\"generation\":1,"));
    put_chain(r, &certs[0]); /* another for the same key */
    assert_true(comes_to_say(r, "with changed files is generation 2"));
}

static void nothing_is_watched_when_that_is_off(void **state)
{
    struct rig *r = *state;

    go_on(r);
    put_chain(r, &certs[1]);
    put_key(r, &certs[1]);
    go_on(r);
    assert_string_equal(read_log(r), "");
}

static void new_ticket_keys_are_taken_without_a_new_generation(void **state)
{
    struct rig *r = *state;
    struct sl_ticket_set set;
    uint8_t name[SL_TICKET_NAME_BYTES];
    char hex[2 * sizeof name + 1];

    go_on(r);
    sl_ticket_set_make(&set);
    put_keys(r, &set);
    assert_true(comes_to_say(r, "info tickets keys have changed"));
    sl_ticket_set_name(&set, SL_TICKET_CURRENT, name);
    for (uint32_t i = 0; i < sizeof name; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", name[i]);
    assert_non_null(strstr(ask(r, "tickets json\n"), hex));
    assert_non_null(strstr(ask(r, "workers json\n"), "\"generation\":1,"));
}

static void bad_ticket_keys_are_told_and_the_old_go_on(void **state)
{
    struct rig *r = *state;
    char *before;

    go_on(r);
    before = strdup(ask(r, "tickets json\n"));
    put(r, "t.keys", "current 12\n");
    assert_true(comes_to_say(r, "t.keys: line 1: 64 hexadecimal digits"));
    assert_string_equal(ask(r, "tickets json\n"), before);
    free(before);
}

static void rotation_writes_the_file_that_machines_share(void **state)
{
    struct rig *r = *state;
    struct sl_ticket_set before, after;
    char path[128];
    struct stat st;

    get_keys(r, &before);
    assert_string_equal(ask(r, "tickets rotate\n"), "ok\nrotated\n");
    get_keys(r, &after);
    (void)snprintf(path, sizeof path, "%s/t.keys", r->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_memory_equal(after.secret[SL_TICKET_PREVIOUS], before.secret[SL_TICKET_CURRENT], SL_TICKET_SECRET_BYTES);
    assert_memory_equal(after.secret[SL_TICKET_CURRENT], before.secret[SL_TICKET_NEXT], SL_TICKET_SECRET_BYTES);
    assert_memory_not_equal(after.secret[SL_TICKET_NEXT], before.secret[SL_TICKET_NEXT], SL_TICKET_SECRET_BYTES);
    go_on(r);
    assert_int_equal(times(r, "keys have changed"), 0);
    assert_non_null(strstr(ask(r, "workers json\n"), "\"generation\":1,"));
}

static void rotation_of_a_bad_file_says_what_is_wrong(void **state)
{
    struct rig *r = *state;
    const char *answer;

    put(r, "t.keys", "next\n");
    answer = ask(r, "tickets rotate json\n");
    assert_ptr_equal(strstr(answer, "error\n{\"rotated\":false,\"report\":\""), answer);
    assert_non_null(strstr(answer, "t.keys: line 1: "));
}

static void tickets_tell_names_of_keys_for_all_settings(void **state)
{
    const char *answer = ask(*state, "tickets json\n");

    assert_ptr_equal(strstr(answer, "ok\n{\"tickets\":[{\"settings\":\"t\",\"tickets\":true,\"file\":\""), answer);
    assert_non_null(strstr(answer, "/t.keys\",\"keys\":{\"next\":\""));
    assert_non_null(strstr(answer, "{\"settings\":\"modern\",\"tickets\":true,\"file\":\"\",\"keys\":{\"next\":\""));
    answer = ask(*state, "tickets\n");
    assert_non_null(strstr(answer, "modern: keys of this process alone\n  next "));
}

static void settings_that_ask_for_certificates_give_no_tickets(void **state)
{
    assert_non_null(
        strstr(ask(*state, "tickets json\n"), "{\"settings\":\"asks\",\"tickets\":false,\"file\":\"\",\"keys\":{}}"));
    assert_non_null(strstr(ask(*state, "tickets\n"), "asks: gives no tickets\n"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
    const struct CMUnitTest tests[] = {
        T(files_that_stay_are_left_alone),
        T(a_new_certificate_is_taken_once_its_key_fits),
        T(a_certificate_that_changed_right_after_it_was_read_is_taken),
        T(a_file_that_is_gone_is_told_and_the_old_goes_on),
        cmocka_unit_test_setup_teardown(nothing_is_watched_when_that_is_off, begin_blind, end),
        T(new_ticket_keys_are_taken_without_a_new_generation),
        T(bad_ticket_keys_are_told_and_the_old_go_on),
        T(rotation_writes_the_file_that_machines_share),
        T(rotation_of_a_bad_file_says_what_is_wrong),
        T(tickets_tell_names_of_keys_for_all_settings),
        T(settings_that_ask_for_certificates_give_no_tickets),
    };

    return cmocka_run_group_tests(tests, th_tls_setup, th_tls_teardown);
}
