/* Tickets: what opens, what doesn't, and the text of keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "crypto/crypto.h"
#include "tls/ticket.h"

#define NOW 1000000
#define DAY 86400

static const uint8_t binding[SL_TICKET_BINDING_BYTES] = {1, 2, 3};
static const uint8_t state[] = "what the next handshake needs";

struct box {
    struct sl_ticket_set set;
    struct sl_tickets *t;
    uint8_t *ticket; /* exactly sized */
    uint32_t len;
};

static struct sl_tickets *tickets_of(const struct sl_ticket_set *set)
{
    struct sl_tickets *t = sl_tickets_create();

    assert_non_null(t);
    assert_int_equal(sl_tickets_use(t, set), 0);
    return t;
}

static int setup(void **st)
{
    struct box *b = calloc(1, sizeof *b);

    assert_non_null(b);
    sl_ticket_set_make(&b->set);
    b->t = tickets_of(&b->set);
    b->len = sizeof state + SL_TICKET_OVERHEAD_BYTES;
    b->ticket = malloc(b->len);
    assert_int_equal(sl_ticket_seal(b->t, binding, NOW, state, sizeof state, b->ticket, b->len), b->len);
    *st = b;
    return 0;
}

static int teardown(void **st)
{
    struct box *b = *st;

    sl_tickets_free(b->t);
    free(b->ticket);
    free(b);
    return 0;
}

static enum sl_ticket_verdict open_with(struct sl_tickets *t, const uint8_t *bound, uint64_t wall_s,
                                        const uint8_t *bytes, uint32_t len)
{
    uint8_t *ticket = malloc(len + (len == 0)), *out = malloc(len + (len == 0));
    enum sl_ticket_verdict verdict;
    uint32_t out_len = 99;

    memcpy(ticket, bytes, len);
    verdict = sl_ticket_open(t, bound, wall_s, DAY, ticket, len, out, &out_len);
    if (verdict == SL_TICKET_GOOD || verdict == SL_TICKET_GOOD_OLD) {
        assert_int_equal(out_len, sizeof state);
        assert_memory_equal(out, state, sizeof state);
    } else {
        assert_int_equal(out_len, 0);
    }
    free(ticket);
    free(out);
    return verdict;
}

static enum sl_ticket_verdict open_at(struct box *b, uint64_t wall_s)
{
    return open_with(b->t, binding, wall_s, b->ticket, b->len);
}

static void opens_what_it_sealed(void **st) { assert_int_equal(open_at(*st, NOW), SL_TICKET_GOOD); }

static void an_empty_state_and_the_longest_one_are_sealed(void **st)
{
    struct box *b = *st;
    uint8_t *out = malloc(SL_TICKET_MAX_BYTES), *ticket = malloc(SL_TICKET_MAX_BYTES),
            *big = calloc(1, SL_TICKET_STATE_MAX_BYTES + 1);
    uint32_t len, got;

    len = sl_ticket_seal(b->t, binding, NOW, NULL, 0, ticket, SL_TICKET_MAX_BYTES);
    assert_int_equal(len, SL_TICKET_OVERHEAD_BYTES);
    assert_int_equal(sl_ticket_open(b->t, binding, NOW, DAY, ticket, len, out, &got), SL_TICKET_GOOD);
    assert_int_equal(got, 0);
    len = sl_ticket_seal(b->t, binding, NOW, big, SL_TICKET_STATE_MAX_BYTES, ticket, SL_TICKET_MAX_BYTES);
    assert_int_equal(len, SL_TICKET_MAX_BYTES);
    assert_int_equal(sl_ticket_open(b->t, binding, NOW, DAY, ticket, len, out, &got), SL_TICKET_GOOD);
    assert_int_equal(got, SL_TICKET_STATE_MAX_BYTES);
    assert_int_equal(sl_ticket_seal(b->t, binding, NOW, big, SL_TICKET_STATE_MAX_BYTES + 1, ticket, UINT32_MAX), 0);
    assert_int_equal(sl_ticket_seal(b->t, binding, NOW, big, 10, ticket, 10 + SL_TICKET_OVERHEAD_BYTES - 1), 0);
    free(out);
    free(ticket);
    free(big);
}

static void nothing_of_the_state_can_be_seen(void **st)
{
    struct box *b = *st;

    for (uint32_t i = 0; i + 4 <= b->len; i++)
        for (uint32_t k = 0; k + 4 <= sizeof state; k++)
            assert_int_not_equal(memcmp(b->ticket + i, state + k, 4), 0);
}

static void the_same_state_is_another_ticket_each_time(void **st)
{
    struct box *b = *st;
    uint8_t *again = malloc(b->len);

    assert_int_equal(sl_ticket_seal(b->t, binding, NOW, state, sizeof state, again, b->len), b->len);
    assert_int_not_equal(memcmp(again, b->ticket, b->len), 0);
    assert_int_equal(open_with(b->t, binding, NOW, again, b->len), SL_TICKET_GOOD);
    free(again);
}

static void a_bit_altered_anywhere_is_refused(void **st)
{
    struct box *b = *st;

    for (uint32_t bit = 0; bit < 8 * b->len; bit++) {
        enum sl_ticket_verdict verdict;

        b->ticket[bit / 8] ^= (uint8_t)(1 << bit % 8);
        verdict = open_at(b, NOW);
        assert_int_equal(verdict, bit / 8 <= SL_TICKET_NAME_BYTES ? SL_TICKET_FOREIGN : SL_TICKET_ALTERED);
        b->ticket[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(open_at(b, NOW), SL_TICKET_GOOD);
}

static void a_ticket_cut_at_any_length_is_refused(void **st)
{
    struct box *b = *st;

    for (uint32_t len = 0; len < b->len; len++)
        assert_int_equal(open_with(b->t, binding, NOW, b->ticket, len),
                         len < SL_TICKET_OVERHEAD_BYTES ? SL_TICKET_FOREIGN : SL_TICKET_ALTERED);
}

static void a_ticket_with_a_byte_more_is_refused(void **st)
{
    struct box *b = *st;
    uint8_t *longer = calloc(1, b->len + 1);

    memcpy(longer, b->ticket, b->len);
    assert_int_equal(open_with(b->t, binding, NOW, longer, b->len + 1), SL_TICKET_ALTERED);
    free(longer);
}

static void another_binding_opens_nothing(void **st)
{
    struct box *b = *st;
    uint8_t other[SL_TICKET_BINDING_BYTES];

    for (uint32_t i = 0; i < sizeof other; i++) {
        memcpy(other, binding, sizeof other);
        other[i] ^= 0x80;
        assert_int_equal(open_with(b->t, other, NOW, b->ticket, b->len), SL_TICKET_ALTERED);
    }
}

static void foreign_keys_open_nothing(void **st)
{
    struct box *b = *st, other;

    sl_ticket_set_make(&other.set);
    other.t = tickets_of(&other.set);
    assert_int_equal(open_with(other.t, binding, NOW, b->ticket, b->len), SL_TICKET_FOREIGN);
    sl_tickets_free(other.t);
}

static void without_keys_nothing_is_sealed_or_opened(void **st)
{
    struct box *b = *st;
    struct sl_tickets *none = sl_tickets_create();
    uint8_t out[128];

    assert_false(sl_tickets_ready(none));
    assert_true(sl_tickets_ready(b->t));
    assert_int_equal(sl_ticket_seal(none, binding, NOW, state, sizeof state, out, sizeof out), 0);
    assert_int_equal(open_with(none, binding, NOW, b->ticket, b->len), SL_TICKET_FOREIGN);
    sl_tickets_free(none);
    sl_tickets_free(NULL);
}

static void expires_by_the_wall_clock(void **st)
{
    assert_int_equal(open_at(*st, NOW + DAY - 1), SL_TICKET_GOOD);
    assert_int_equal(open_at(*st, NOW + DAY), SL_TICKET_EXPIRED);
    assert_int_equal(open_at(*st, UINT64_MAX), SL_TICKET_EXPIRED);
}

static void clocks_of_a_fleet_may_differ_by_a_minute(void **st)
{
    assert_int_equal(open_at(*st, NOW - 60), SL_TICKET_GOOD);
    assert_int_equal(open_at(*st, NOW - 61), SL_TICKET_EXPIRED);
    assert_int_equal(open_at(*st, 0), SL_TICKET_EXPIRED);
}

static void a_key_is_forgotten_at_the_second_rotation(void **st)
{
    struct box *b = *st;

    sl_ticket_set_rotate(&b->set);
    assert_int_equal(sl_tickets_use(b->t, &b->set), 0);
    assert_int_equal(open_at(b, NOW), SL_TICKET_GOOD_OLD);
    sl_ticket_set_rotate(&b->set);
    assert_int_equal(sl_tickets_use(b->t, &b->set), 0);
    assert_int_equal(open_at(b, NOW), SL_TICKET_FOREIGN);
}

static void a_machine_that_has_not_rotated_yet_opens_what_one_that_has_sealed(void **st)
{
    struct box *b = *st;
    struct sl_ticket_set rotated = b->set;
    struct sl_tickets *ahead;

    sl_ticket_set_rotate(&rotated);
    ahead = tickets_of(&rotated);
    assert_int_equal(sl_ticket_seal(ahead, binding, NOW, state, sizeof state, b->ticket, b->len), b->len);
    assert_int_equal(open_at(b, NOW), SL_TICKET_GOOD);
    sl_tickets_free(ahead);
}

static void rotation_without_a_next_key_makes_one(void **st)
{
    struct sl_ticket_set set = {.has[SL_TICKET_CURRENT] = true};

    sl_ticket_set_rotate(&set);
    assert_true(set.has[SL_TICKET_NEXT] && set.has[SL_TICKET_CURRENT] && set.has[SL_TICKET_PREVIOUS]);
    assert_memory_equal(set.secret[SL_TICKET_PREVIOUS], (uint8_t[SL_TICKET_SECRET_BYTES]){0}, SL_TICKET_SECRET_BYTES);
    assert_int_not_equal(memcmp(set.secret[SL_TICKET_CURRENT], set.secret[SL_TICKET_NEXT], SL_TICKET_SECRET_BYTES), 0);
    (void)st;
}

static void a_ticket_carries_its_keys_name(void **st)
{
    struct box *b = *st;
    uint8_t name[SL_TICKET_NAME_BYTES], other[SL_TICKET_NAME_BYTES];

    assert_true(sl_ticket_set_name(&b->set, SL_TICKET_CURRENT, name));
    assert_memory_equal(b->ticket + 1, name, sizeof name);
    assert_true(sl_ticket_set_name(&b->set, SL_TICKET_NEXT, other));
    assert_int_not_equal(memcmp(name, other, sizeof name), 0);
}

/* ---- the text ---- */

#define A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define B "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEF0"

static const struct text {
    const char *title, *text;
    enum sl_ticket_fault fault;
    uint32_t line;
} texts[] = {
    {"one key", "current " A "\n", SL_TICKET_FAULT_NONE, 0},
    {"no final newline, spaces, a carriage return", " \tcurrent\t " A " \r", SL_TICKET_FAULT_NONE, 0},
    {"comments and blank lines", "# a\n\n   # b\ncurrent " A " # c\nnext " B "\n", SL_TICKET_FAULT_NONE, 0},
    {"nothing", "", SL_TICKET_FAULT_NO_CURRENT, 0},
    {"only a next key", "next " A "\n", SL_TICKET_FAULT_NO_CURRENT, 0},
    {"an unknown role", "\ncurent " A "\n", SL_TICKET_FAULT_ROLE, 2},
    {"a role that begins like one", "currently " A "\n", SL_TICKET_FAULT_ROLE, 1},
    {"a role twice", "current " A "\ncurrent " B "\n", SL_TICKET_FAULT_TWICE, 2},
    {"a key twice", "current " A "\nnext " A "\n", SL_TICKET_FAULT_SAME, 2},
    {"no digits", "current\n", SL_TICKET_FAULT_DIGITS, 1},
    {"a digit less", "current 0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
     SL_TICKET_FAULT_DIGITS, 1},
    {"a digit more", "current 0" A "\n", SL_TICKET_FAULT_DIGITS, 1},
    {"a letter that is no digit", "current g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
     SL_TICKET_FAULT_DIGITS, 1},
    {"a word too many", "current " A " x\n", SL_TICKET_FAULT_DIGITS, 1},
    {"PEM", "-----BEGIN CERTIFICATE-----\n", SL_TICKET_FAULT_ROLE, 1},
};

static void reads(void **st)
{
    const struct text *row = *st;
    size_t len = strlen(row->text);
    char *exact = malloc(len + (len == 0));
    struct sl_ticket_set set;
    uint32_t line = 99;

    memcpy(exact, row->text, len);
    assert_int_equal(sl_ticket_set_parse(&set, exact, len, &line), row->fault);
    if (row->fault) {
        assert_int_equal(line, row->line);
        assert_non_null(sl_ticket_fault_text[row->fault]);
        assert_memory_equal(&set, &(struct sl_ticket_set){0}, sizeof set);
    } else {
        assert_true(set.has[SL_TICKET_CURRENT]);
        assert_int_equal(set.secret[SL_TICKET_CURRENT][2], 0x22);
        assert_int_equal(set.secret[SL_TICKET_CURRENT][31], 0xff);
    }
    free(exact);
}

static void what_is_written_is_read_back(void **st)
{
    struct sl_ticket_set set, back;
    char text[SL_TICKET_TEXT_MAX];
    uint32_t line;
    size_t len;

    sl_ticket_set_make(&set);
    len = sl_ticket_set_format(&set, text);
    assert_int_equal(len, strlen(text));
    assert_int_equal(sl_ticket_set_parse(&back, text, len, &line), SL_TICKET_FAULT_NONE);
    assert_memory_equal(&back, &set, sizeof set);
    sl_ticket_set_rotate(&set);
    len = sl_ticket_set_format(&set, text);
    assert_int_equal(sl_ticket_set_parse(&back, text, len, &line), SL_TICKET_FAULT_NONE);
    assert_memory_equal(&back, &set, sizeof set);
    (void)st;
}

/* ---- bindings ---- */

static void bindings_tell_apart_all_that_resumption_may_not_cross(void **st)
{
    uint8_t ca[] = "CA", other_ca[] = "CB";
    enum sl_conf_cipher suites[] = {SL_CIPHER_AES_256_GCM};
    enum sl_conf_group groups[] = {SL_GROUP_P256};
    const struct sl_conf_tls confs[] = {
        {.policy = SL_POLICY_INTERMEDIATE},
        {.policy = SL_POLICY_MODERN},
        {.policy = SL_POLICY_INTERMEDIATE, .suites = suites, .n_suites = 1},
        {.policy = SL_POLICY_INTERMEDIATE, .groups = groups, .n_groups = 1},
        {.policy = SL_POLICY_INTERMEDIATE, .clients = SL_CLIENTS_OPTIONAL, .client_ca_pem = {ca, sizeof ca}},
        {.policy = SL_POLICY_INTERMEDIATE, .clients = SL_CLIENTS_REQUIRED, .client_ca_pem = {ca, sizeof ca}},
        {.policy = SL_POLICY_INTERMEDIATE, .clients = SL_CLIENTS_REQUIRED, .client_ca_pem = {other_ca, sizeof ca}},
        {.policy = SL_POLICY_INTERMEDIATE,
         .clients = SL_CLIENTS_REQUIRED,
         .client_ca_pem = {ca, sizeof ca},
         .client_crl_pem = {other_ca, sizeof ca}},
    };
    uint8_t made[2 * SL_ARRAY_LEN(confs) + 2][SL_TICKET_BINDING_BYTES], again[SL_TICKET_BINDING_BYTES];
    struct sl_tls_settings s;
    uint32_t n = 0;

    for (uint32_t i = 0; i < SL_ARRAY_LEN(confs); i++) {
        sl_tls_settings_resolve(&s, &confs[i]);
        sl_ticket_site_binding(&s, "https", made[n++]);
        sl_ticket_site_binding(&s, "http", made[n++]);
    }
    sl_ticket_host_binding(made[0], "a.example", made[n++]);
    sl_ticket_host_binding(made[0], "", made[n++]);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < i; k++)
            assert_int_not_equal(memcmp(made[i], made[k], sizeof made[i]), 0);
    sl_tls_settings_resolve(&s, &confs[0]);
    sl_ticket_site_binding(&s, "https", again);
    assert_memory_equal(again, made[0], sizeof again);
    (void)st;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest named[] = {
        T(opens_what_it_sealed),
        T(an_empty_state_and_the_longest_one_are_sealed),
        T(nothing_of_the_state_can_be_seen),
        T(the_same_state_is_another_ticket_each_time),
        T(a_bit_altered_anywhere_is_refused),
        T(a_ticket_cut_at_any_length_is_refused),
        T(a_ticket_with_a_byte_more_is_refused),
        T(another_binding_opens_nothing),
        T(foreign_keys_open_nothing),
        T(without_keys_nothing_is_sealed_or_opened),
        T(expires_by_the_wall_clock),
        T(clocks_of_a_fleet_may_differ_by_a_minute),
        T(a_ticket_carries_its_keys_name),
        T(a_key_is_forgotten_at_the_second_rotation),
        T(a_machine_that_has_not_rotated_yet_opens_what_one_that_has_sealed),
        cmocka_unit_test(rotation_without_a_next_key_makes_one),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(bindings_tell_apart_all_that_resumption_may_not_cross),
    };
    struct CMUnitTest tests[SL_ARRAY_LEN(named) + SL_ARRAY_LEN(texts)];

    memcpy(tests, named, sizeof named);
    for (size_t i = 0; i < SL_ARRAY_LEN(texts); i++)
        tests[SL_ARRAY_LEN(named) + i] = (struct CMUnitTest){
            .name = texts[i].title, .test_func = reads, .initial_state = (void *)(uintptr_t)&texts[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
