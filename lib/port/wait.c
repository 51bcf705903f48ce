/* Sleep of an idle worker: poll() on the AF_XDP sockets of its queues and on an eventfd.
 *
 * No wake-up is lost: a sleeper stores `sleeping`, then looks at its rings and at `pending`; a waker stores its frame (or `pending`), then looks at
 * `sleeping`; a full fence stands between the two steps on each side, so at least one sees the other. Frames of the device wake by level: poll() returns at once while the
 * socket's ring holds any. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port/internal.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

#define SLEEP_MAX_NS SL_NS_PER_S

uint32_t port_xdp_sockets(int *fds, uint32_t max)
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *e;
    uint32_t n = 0;

    while (dir && n < max && (e = readdir(dir)) != NULL) {
        int domain = 0, fd = atoi(e->d_name);
        socklen_t len = sizeof domain;

        if (e->d_name[0] != '.' && getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_XDP)
            fds[n++] = fd;
    }
    if (dir)
        closedir(dir);
    return n;
}

/* A worker can sleep when each of its queues can wake it. */
static int create_worker(struct sl_ports *p, uint32_t id)
{
    struct port_worker *w = &p->workers[id];
    uint32_t n = 1;

    for (uint32_t i = 0; i < p->n_devices; i++)
        n += p->devices[i].n_queues;
    w->sleepable = p->idle_sleep;
    w->fds = calloc(n, sizeof *w->fds);
    w->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!w->fds || w->event_fd < 0)
        return -ENOMEM;
    w->fds[w->n_fds++] = (struct pollfd){.fd = w->event_fd, .events = POLLIN};
    for (uint32_t i = 0; i < p->n_devices; i++) {
        for (uint32_t q = id; q < p->devices[i].n_queues; q += p->n_workers) {
            w->fds[w->n_fds++] = (struct pollfd){.fd = p->devices[i].queues[q].fd, .events = POLLIN};
            w->sleepable &= p->devices[i].queues[q].fd >= 0;
        }
    }
    return 0;
}

int port_workers_create(struct sl_ports *p, struct sl_err *err)
{
    size_t bytes = p->n_workers * sizeof *p->workers;

    p->workers = aligned_alloc(SL_CACHE_LINE, bytes);
    if (!p->workers)
        return sl_err_set(err, -ENOMEM, "no memory for workers");
    memset(p->workers, 0, bytes);
    for (uint32_t i = 0; i < p->n_workers; i++)
        p->workers[i].event_fd = -1;
    for (uint32_t i = 0; i < p->n_workers; i++)
        if (create_worker(p, i) < 0)
            return sl_err_set(err, -ENOMEM, "no eventfd for worker %u: %s", i, strerror(errno));
    return 0;
}

void port_workers_free(struct sl_ports *p)
{
    for (uint32_t i = 0; p->workers && i < p->n_workers; i++) {
        if (p->workers[i].event_fd >= 0)
            close(p->workers[i].event_fd);
        free(p->workers[i].fds);
    }
    free(p->workers);
    p->workers = NULL;
}

/* Whether frames wait on a ring that this worker empties. */
static bool has_frames(const struct sl_ports *p, uint32_t worker)
{
    for (uint32_t i = 0; i < p->n_devices && p->n_workers > 1; i++) {
        const struct port_device *d = &p->devices[i];

        if (!rte_ring_empty(d->strays[worker]))
            return true;
        for (uint32_t owner = 0; owner < d->n_owners; owner++)
            if (owner != worker && !rte_ring_empty(d->to_worker[owner * p->n_workers + worker]))
                return true;
        for (uint32_t w = d->n_owners; worker < d->n_owners && w < p->n_workers; w++)
            if (!rte_ring_empty(d->to_owner[w * d->n_owners + worker]))
                return true;
    }
    return false;
}

void sl_ports_wait(struct sl_ports *p, uint32_t worker, uint64_t deadline_ns)
{
    struct port_worker *w = &p->workers[worker];
    uint64_t now = sl_port_now(), span, count;
    struct timespec limit;

    if (!w->sleepable || deadline_ns <= now)
        return;
    span = SL_MIN(deadline_ns - now, SLEEP_MAX_NS);
    limit = (struct timespec){.tv_sec = (time_t)(span / SL_NS_PER_S), .tv_nsec = (long)(span % SL_NS_PER_S)};

    __atomic_store_n(&w->sleeping, 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&w->pending, __ATOMIC_RELAXED) && !has_frames(p, worker)) {
        sl_stat_inc(port_stats(p, worker), SL_CTR_PORT_SLEEPS);
        (void)ppoll(w->fds, w->n_fds, &limit, NULL);
        if (w->fds[0].revents && read(w->event_fd, &count, sizeof count) < 0 && errno != EAGAIN)
            w->sleepable = false; /* it would never block again */
    }
    __atomic_store_n(&w->sleeping, 0, __ATOMIC_RELAXED);
    /* What was done before the wake-up that is taken here is seen by the loop that follows; a later one stays pending. */
    (void)__atomic_exchange_n(&w->pending, 0, __ATOMIC_ACQ_REL);
}

void sl_ports_wake(struct sl_ports *p, uint32_t worker)
{
    struct port_worker *w = &p->workers[worker];
    const uint64_t one = 1;

    __atomic_store_n(&w->pending, 1, __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    /* Of several wakers one makes the system call. */
    if (__atomic_load_n(&w->sleeping, __ATOMIC_RELAXED) && __atomic_exchange_n(&w->sleeping, 0, __ATOMIC_RELAXED))
        while (write(w->event_fd, &one, sizeof one) < 0 && errno == EINTR)
            ;
}
