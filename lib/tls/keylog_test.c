/* Lines of the key log, and that none is written unasked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tls/keylog.h"

static char written[512];

static void take(const char *path, const char *line, size_t len_bytes)
{
    assert_string_equal(path, "/tmp/keys");
    assert_true(strlen(written) + len_bytes < sizeof written);
    memcpy(written + strlen(written), line, len_bytes);
}

static void a_line_has_label_random_and_secret(void **state)
{
    const struct sl_conf_tls conf = {.keylog.s = "/tmp/keys"};
    const struct sl_tls_settings settings = {.conf = &conf};
    uint8_t random[32] = {0x01, 0xfe}, secret[48] = {0xab};

    memset(written, 0, sizeof written);
    sl_keylog(take, &settings, "CLIENT_TRAFFIC_SECRET_0", random, secret, 32);
    sl_keylog(take, &settings, "CLIENT_RANDOM", random, secret, 48);
    assert_string_equal(written, "CLIENT_TRAFFIC_SECRET_0 "
                                 "01fe000000000000000000000000000000000000000000000000000000000000 "
                                 "ab00000000000000000000000000000000000000000000000000000000000000\n"
                                 "CLIENT_RANDOM "
                                 "01fe000000000000000000000000000000000000000000000000000000000000 "
                                 "ab0000000000000000000000000000000000000000000000000000000000"
                                 "000000000000000000000000000000000000\n");
}

static void nothing_is_written_unasked(void **state)
{
    const struct sl_conf_tls asked = {.keylog.s = "/tmp/keys"}, silent = {.keylog.s = ""};
    const struct sl_tls_settings settings[] = {{.conf = &asked}, {.conf = &silent}, {.conf = NULL}};
    uint8_t bytes[48] = {0};

    memset(written, 0, sizeof written);
    sl_keylog(NULL, &settings[0], "CLIENT_RANDOM", bytes, bytes, 48);
    sl_keylog(take, &settings[1], "CLIENT_RANDOM", bytes, bytes, 48);
    sl_keylog(take, &settings[2], "CLIENT_RANDOM", bytes, bytes, 48);
    assert_string_equal(written, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_label_random_and_secret),
        cmocka_unit_test(nothing_is_written_unasked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
