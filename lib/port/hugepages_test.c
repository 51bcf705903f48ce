/* The kernel's limit of hugepages, raised and lowered by several processes at a time; a folder of plain files stands in for the kernel's. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/internal.h"

#define PAGE (UINT64_C(2) << 20)

static const char *const files[] = {"free_hugepages", "resv_hugepages", "surplus_hugepages", "nr_overcommit_hugepages"};
static char folder[64];

static const char *path_of(const char *file)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", folder, file);
    return path;
}

static void put(const char *file, unsigned v)
{
    FILE *f = fopen(path_of(file), "w");

    assert_non_null(f);
    assert_true(fprintf(f, "%u\n", v) > 0);
    assert_int_equal(fclose(f), 0);
}

static unsigned limit(void)
{
    FILE *f = fopen(path_of("nr_overcommit_hugepages"), "r");
    unsigned v = 0;

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%u", &v), 1);
    assert_int_equal(fclose(f), 0);
    return v;
}

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/hugepages_test.XXXXXX");
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < SL_ARRAY_LEN(files); i++)
        put(files[i], 0);
    port_hugepages_folder(folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < SL_ARRAY_LEN(files); i++)
        unlink(path_of(files[i]));
    return rmdir(folder);
}

static void what_was_raised_is_lowered_again(void **state)
{
    (void)state;
    put("nr_overcommit_hugepages", 7);
    put("surplus_hugepages", 5); /* somebody else's */
    assert_true(port_hugepages_get(4 * PAGE));
    port_hugepages_unlock();
    assert_int_equal(limit(), 9);
    port_hugepages_restore();
    assert_int_equal(limit(), 7);
}

static void a_limit_that_is_high_enough_is_left_alone(void **state)
{
    (void)state;
    put("nr_overcommit_hugepages", 4);
    assert_true(port_hugepages_get(4 * PAGE));
    port_hugepages_unlock();
    assert_int_equal(limit(), 4);
    port_hugepages_restore();
    assert_int_equal(limit(), 4);
}

static uint32_t restored; /* atomic */

static void *restore(void *arg)
{
    port_hugepages_restore();
    __atomic_store_n(&restored, 1, __ATOMIC_RELEASE);
    return arg;
}

/* Whether anybody waits for a lock on the file, as /proc/locks tells: "1: -> FLOCK ADVISORY WRITE pid major:minor:inode ...". */
static bool somebody_waits(ino_t inode)
{
    FILE *f = fopen("/proc/locks", "r");
    char line[256], tail[32];
    bool waits = false;

    assert_non_null(f);
    snprintf(tail, sizeof tail, ":%lu ", (unsigned long)inode);
    while (fgets(line, sizeof line, f))
        waits |= strstr(line, "-> FLOCK") && strstr(line, tail);
    fclose(f);
    return waits;
}

static void the_limit_does_not_fall_while_another_process_takes_its_pages(void **state)
{
    pthread_t thread;
    struct stat st = {0};
    int fd;

    (void)state;
    assert_true(port_hugepages_get(4 * PAGE));
    port_hugepages_unlock();
    fd = open(path_of("nr_overcommit_hugepages"), O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(pthread_create(&thread, NULL, restore, NULL), 0);
    while (!__atomic_load_n(&restored, __ATOMIC_ACQUIRE) && !somebody_waits(st.st_ino))
        usleep(1000);
    assert_int_equal(limit(), 4);
    close(fd);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(limit(), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_was_raised_is_lowered_again),
        T(a_limit_that_is_high_enough_is_left_alone),
        T(the_limit_does_not_fall_while_another_process_takes_its_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
