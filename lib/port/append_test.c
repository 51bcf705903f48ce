/* Lines at the end of a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/port.h"

static void lines_follow_one_another_in_a_file_for_its_owner_only(void **state)
{
    char dir[] = "/tmp/sluice-append-XXXXXX", path[64], got[32] = "";
    struct stat st;
    int fd;

    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/keys", dir);
    sl_port_append(path, "one\n", 4);
    sl_port_append(path, "two\n", 4);
    fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, got, sizeof got - 1), 8);
    assert_string_equal(got, "one\ntwo\n");
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    close(fd);
    unlink(path);
    rmdir(dir);
    sl_port_append(path, "nobody hears this\n", 18);
    assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_follow_one_another_in_a_file_for_its_owner_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
