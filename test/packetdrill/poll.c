/* poll and epoll: what holds now, and waiting for it. */
#include "adapter.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t timeout_of(int ms) { return ms < 0 ? SL_NEVER : (uint64_t)ms * SL_NS_PER_MS; }

static short holds_stream(struct pd_sock *s)
{
    uint8_t state = s->stream->state;
    bool eof = state & SL_STREAM_EOF || s->over || s->shut_rd;
    short is = 0;

    if (s->connecting)
        return 0;
    if (state & SL_STREAM_READABLE || eof || s->error)
        is |= POLLIN | POLLRDNORM;
    if (eof)
        is |= POLLRDHUP;
    if (s->over || s->shut_wr || s->error || s->stream->ops->credit(s->stream) > 0)
        is |= POLLOUT | POLLWRNORM;
    if (s->over || (eof && s->shut_wr))
        is |= POLLHUP;
    if (s->error)
        is |= POLLERR;
    return is;
}

/* A socket that neither listens nor is connected is writable and hung up, as Linux has it. */
static short holds(struct pd_sock *s)
{
    if (s->listener)
        return sl_list_empty(&s->accepted) ? 0 : POLLIN | POLLRDNORM;
    return s->stream ? holds_stream(s) : POLLOUT | POLLWRNORM | POLLHUP;
}

/* ---- poll ---- */
struct poll_op {
    struct pollfd *fds;
    nfds_t n;
    int found;
};

static bool try_poll(struct pd_world *w, void *op)
{
    struct poll_op *p = op;

    p->found = 0;
    for (nfds_t i = 0; i < p->n; i++) {
        struct pd_sock *s = pd_sock_find(w, p->fds[i].fd);

        p->fds[i].revents = s ? (short)(holds(s) & (p->fds[i].events | POLLERR | POLLHUP)) : POLLNVAL;
        p->found += p->fds[i].revents != 0;
    }
    return p->found > 0;
}

int pd_poll(struct pd_world *w, struct pollfd *fds, nfds_t n, int timeout_ms)
{
    struct poll_op op = {fds, n, 0};

    pd_wait(w, try_poll, &op, timeout_of(timeout_ms));
    return op.found;
}

/* ---- epoll ---- */
int pd_epoll_create(struct pd_world *w)
{
    struct pd_sock *s = calloc(1, sizeof *s);
    int fd;

    if (!s)
        return -ENOMEM;
    s->watches = calloc(PD_WATCHES_MAX, sizeof *s->watches);
    sl_list_init(&s->accepted);
    sl_list_init(&s->accept_link);
    fd = s->watches ? pd_fd_open(w, s) : -ENOMEM;
    if (fd < 0) {
        free(s->watches);
        free(s);
    }
    return fd;
}

static struct pd_watch *watch_of(struct pd_sock *ep, int fd)
{
    for (uint32_t i = 0; i < ep->n_watches; i++)
        if (ep->watches[i].fd == fd)
            return &ep->watches[i];
    return NULL;
}

static int add(struct pd_sock *ep, int fd, const struct epoll_event *event)
{
    if (watch_of(ep, fd))
        return -EEXIST;
    if (ep->n_watches == PD_WATCHES_MAX)
        return -ENOSPC;
    ep->watches[ep->n_watches++] = (struct pd_watch){.fd = fd, .event = *event, .seen = UINT64_MAX};
    return 0;
}

static int modify(struct pd_sock *ep, int fd, const struct epoll_event *event)
{
    struct pd_watch *at = watch_of(ep, fd);

    if (!at)
        return -ENOENT;
    *at = (struct pd_watch){.fd = fd, .event = *event, .seen = UINT64_MAX};
    return 0;
}

static int drop(struct pd_sock *ep, int fd)
{
    struct pd_watch *at = watch_of(ep, fd);

    if (!at)
        return -ENOENT;
    *at = ep->watches[--ep->n_watches];
    return 0;
}

int pd_epoll_ctl(struct pd_world *w, int epfd, int op, int fd, const struct epoll_event *event)
{
    struct pd_sock *ep = pd_sock_find(w, epfd);

    if (!ep || !pd_sock_find(w, fd))
        return -EBADF;
    if (!ep->watches)
        return -EINVAL;
    if (op == EPOLL_CTL_DEL)
        return drop(ep, fd);
    return op == EPOLL_CTL_ADD ? add(ep, fd, event) : op == EPOLL_CTL_MOD ? modify(ep, fd, event) : -EINVAL;
}

struct epoll_op {
    struct pd_sock *ep;
    struct epoll_event *events;
    int max, found;
};

/* The bits of poll and epoll are the same. */
static uint32_t due(struct pd_watch *at, struct pd_sock *s)
{
    uint32_t is = (uint32_t)holds(s) & (at->event.events | EPOLLERR | EPOLLHUP);

    if (at->spent || (at->event.events & EPOLLET && at->seen == s->edges))
        return 0;
    return is;
}

static bool try_epoll(struct pd_world *w, void *op)
{
    struct epoll_op *e = op;

    for (uint32_t i = 0; i < e->ep->n_watches && e->found < e->max; i++) {
        struct pd_watch *at = &e->ep->watches[i];
        struct pd_sock *s = pd_sock_find(w, at->fd);
        uint32_t is = s ? due(at, s) : 0;

        if (!is)
            continue;
        at->seen = s->edges;
        at->spent = at->event.events & EPOLLONESHOT;
        e->events[e->found++] = (struct epoll_event){.events = is, .data = at->event.data};
    }
    return e->found > 0;
}

int pd_epoll_wait(struct pd_world *w, int epfd, struct epoll_event *events, int max, int timeout_ms)
{
    struct epoll_op op = {pd_sock_find(w, epfd), events, max, 0};

    if (!op.ep)
        return -EBADF;
    if (!op.ep->watches || max <= 0)
        return -EINVAL;
    pd_wait(w, try_epoll, &op, timeout_of(timeout_ms));
    return op.found;
}
