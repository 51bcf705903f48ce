/* Hugepages without leaving any behind: where too few are reserved, the kernel's overcommit limit is raised for as long as we run. Pages above the
 * reservation are taken on demand and go back to the kernel with the process, however it ends; only the limit would stay behind after a kill. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "port/internal.h"

#define PAGE_BYTES (UINT64_C(2) << 20)

static const char *folder = "/sys/kernel/mm/hugepages/hugepages-2048kB";
static uint64_t raised; /* pages that this process added to the limit */
static int lock_fd = -1;

void port_hugepages_folder(const char *path) { folder = path; }

static int open_file(const char *file, int flags)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", folder, file);
    return open(path, flags | O_CLOEXEC);
}

static bool read_number(const char *file, uint64_t *v)
{
    char text[32] = "";
    int fd = open_file(file, O_RDONLY);
    ssize_t n;

    if (fd < 0)
        return false;
    n = read(fd, text, sizeof text - 1);
    close(fd);
    *v = strtoull(text, NULL, 10);
    return n > 0;
}

static bool set_limit(uint64_t pages)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)pages);
    int fd = open_file("nr_overcommit_hugepages", O_WRONLY | O_TRUNC);
    bool ok = fd >= 0 && write(fd, text, (size_t)len) == len;

    if (fd >= 0)
        close(fd);
    return ok;
}

/* What the kernel has: pages that nobody uses of those reserved, the limit of further ones, and how many of these are in use (for a moment even above the
 * limit, when a process has just ended). */
struct state {
    uint64_t idle, limit, surplus;
};

static bool look(struct state *s)
{
    uint64_t free_pages, reserved;

    if (!read_number("free_hugepages", &free_pages) || !read_number("resv_hugepages", &reserved) ||
        !read_number("nr_overcommit_hugepages", &s->limit) || !read_number("surplus_hugepages", &s->surplus))
        return false;
    s->idle = free_pages > reserved ? free_pages - reserved : 0;
    return true;
}

static bool enough(const struct state *s, uint64_t pages)
{
    return s->idle >= pages || (s->limit > s->surplus && s->idle + (s->limit - s->surplus) >= pages);
}

static bool memory_allows(uint64_t bytes)
{
    long pages = sysconf(_SC_AVPHYS_PAGES), page = sysconf(_SC_PAGESIZE);

    return pages > 0 && page > 0 && (uint64_t)pages * (uint64_t)page / 2 > bytes;
}

/* One process at a time measures and takes, or gives back; the lock is on a file that is there anyway. */
static void lock(void)
{
    lock_fd = open_file("nr_overcommit_hugepages", O_RDONLY);
    if (lock_fd >= 0)
        (void)flock(lock_fd, LOCK_EX);
}

bool port_hugepages_get(uint64_t bytes)
{
    uint64_t need = (bytes + PAGE_BYTES - 1) / PAGE_BYTES, limit;
    struct state s;

    lock();
    if (!look(&s))
        return false;
    if (enough(&s, need))
        return true;
    limit = s.surplus + need - SL_MIN(s.idle, need);
    if (!memory_allows(need * PAGE_BYTES) || !set_limit(limit))
        return false;
    raised = limit - SL_MIN(s.limit, limit);
    return look(&s) && enough(&s, need);
}

void port_hugepages_unlock(void)
{
    if (lock_fd >= 0)
        close(lock_fd);
    lock_fd = -1;
}

/* Under the lock: between another process's measuring and its taking, the limit must not fall. */
void port_hugepages_restore(void)
{
    bool held = lock_fd >= 0;
    uint64_t limit;

    if (!raised)
        return;
    if (!held)
        lock();
    if (read_number("nr_overcommit_hugepages", &limit))
        (void)set_limit(limit > raised ? limit - raised : 0);
    raised = 0;
    if (!held)
        port_hugepages_unlock();
}
