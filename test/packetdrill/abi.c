/* The shared object's face: each member of the interface takes the world's lock and turns a negative errno into what a
 * system call answers. */
#include "abi.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "adapter.h"

static struct pd_world *alive; /* for getsockopt below */

static struct pd_world *enter(void *u)
{
    struct pd_world *w = u;

    pthread_mutex_lock(&w->lock);
    return w;
}

static long leave(struct pd_world *w, long result)
{
    pthread_mutex_unlock(&w->lock);
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

/* A call on the world and its arguments, in one line. */
#define CALL(fn, ...)                                                                                                  \
    struct pd_world *w = enter(u);                                                                                     \
                                                                                                                       \
    return (__typeof__(fn(w, __VA_ARGS__)))leave(w, fn(w, __VA_ARGS__))

static int do_socket(void *u, int domain, int type, int protocol) { CALL(pd_socket, domain, type, protocol); }
static int do_bind(void *u, int fd, const struct sockaddr *at, socklen_t len) { CALL(pd_bind, fd, at, len); }
static int do_listen(void *u, int fd, int backlog) { CALL(pd_listen, fd, backlog); }
static int do_accept(void *u, int fd, struct sockaddr *from, socklen_t *len) { CALL(pd_accept, fd, from, len); }
static int do_connect(void *u, int fd, const struct sockaddr *to, socklen_t len) { CALL(pd_connect, fd, to, len); }
static int do_shutdown(void *u, int fd, int how) { CALL(pd_shutdown, fd, how); }
static int do_close(void *u, int fd) { CALL(pd_close, fd); }
static int do_poll(void *u, struct pollfd *fds, nfds_t n, int timeout_ms) { CALL(pd_poll, fds, n, timeout_ms); }

static int do_getsockopt(void *u, int fd, int level, int name, void *value, socklen_t *len)
{
    CALL(pd_getsockopt, fd, level, name, value, len);
}

static int do_setsockopt(void *u, int fd, int level, int name, const void *value, socklen_t len)
{
    CALL(pd_setsockopt, fd, level, name, value, len);
}

/* ---- read and write in all their forms ---- */
static ssize_t do_recvmsg(void *u, int fd, struct msghdr *m, int flags)
{
    CALL(pd_readv, fd, m->msg_iov, m->msg_iovlen, flags);
}

static ssize_t do_sendmsg(void *u, int fd, const struct msghdr *m, int flags)
{
    CALL(pd_writev, fd, m->msg_iov, m->msg_iovlen, flags);
}

static ssize_t do_readv(void *u, int fd, const struct iovec *iov, int n) { CALL(pd_readv, fd, iov, (size_t)n, 0); }
static ssize_t do_writev(void *u, int fd, const struct iovec *iov, int n) { CALL(pd_writev, fd, iov, (size_t)n, 0); }

static ssize_t do_recv(void *u, int fd, void *buf, size_t len, int flags)
{
    struct iovec iov = {buf, len};

    CALL(pd_readv, fd, &iov, 1, flags);
}

static ssize_t do_send(void *u, int fd, const void *buf, size_t len, int flags)
{
    struct iovec iov = {(void *)(uintptr_t)buf, len};

    CALL(pd_writev, fd, &iov, 1, flags);
}

static ssize_t do_read(void *u, int fd, void *buf, size_t len) { return do_recv(u, fd, buf, len, 0); }
static ssize_t do_write(void *u, int fd, const void *buf, size_t len) { return do_send(u, fd, buf, len, 0); }

/* The peer's address is not told: TCP's recvfrom leaves it alone. */
static ssize_t do_recvfrom(void *u, int fd, void *buf, size_t len, int flags, struct sockaddr *from,
                           socklen_t *from_len)
{
    if (from_len)
        *from_len = 0;
    return do_recv(u, fd, buf, len, flags);
}

static ssize_t do_sendto(void *u, int fd, const void *buf, size_t len, int flags, const struct sockaddr *to,
                         socklen_t to_len)
{
    return do_send(u, fd, buf, len, flags);
}

/* ---- those with an argument more or less ---- */
static int do_fcntl(void *u, int fd, int cmd, ...)
{
    va_list ap;
    long arg;

    va_start(ap, cmd);
    arg = va_arg(ap, int);
    va_end(ap);
    CALL(pd_fcntl, fd, cmd, arg);
}

static int do_ioctl(void *u, int fd, unsigned long request, ...)
{
    va_list ap;
    int *arg;

    va_start(ap, request);
    arg = va_arg(ap, int *);
    va_end(ap);
    CALL(pd_ioctl, fd, request, arg);
}

static int do_epoll_create(void *u, int size)
{
    struct pd_world *w = enter(u);

    return (int)leave(w, size > 0 ? pd_epoll_create(w) : -EINVAL);
}

static int do_epoll_ctl(void *u, int epfd, int op, int fd, struct epoll_event *event)
{
    CALL(pd_epoll_ctl, epfd, op, fd, event);
}

static int do_epoll_wait(void *u, int epfd, struct epoll_event *events, int max, int timeout_ms)
{
    CALL(pd_epoll_wait, epfd, events, max, timeout_ms);
}

static int do_pipe(void *u, int fds[2])
{
    errno = ENOSYS;
    return -1;
}

static int do_splice(void *u, int from, loff_t *from_off, int to, loff_t *to_off, size_t len, unsigned flags)
{
    errno = ENOSYS;
    return -1;
}

/* ---- the wire and the clock ---- */
static int do_netdev_send(void *u, const void *packet, size_t len) { CALL(pd_packet_in, packet, len); }

static int do_netdev_receive(void *u, void *packet, size_t *len, long long *at_us)
{
    struct pd_world *w = enter(u);
    uint64_t at_ns = 0;
    long n = pd_packet_out(w, packet, *len, &at_ns);

    if (n == 0)
        fprintf(stderr, "sluice: a packet is expected, but none is sent for an hour\n");
    *len = n > 0 ? (size_t)n : 0;
    *at_us = (long long)(at_ns / SL_NS_PER_US);
    return (int)leave(w, n < 0 ? n : 0);
}

static int do_usleep(void *u, useconds_t us)
{
    struct pd_world *w = enter(u);

    pd_advance(w, w->now + us * SL_NS_PER_US);
    return (int)leave(w, 0);
}

static int do_gettimeofday(void *u, struct timeval *tv, struct timezone *tz)
{
    struct pd_world *w = enter(u);
    uint64_t now = pd_time_asked(w);

    *tv = (struct timeval){.tv_sec = (time_t)(now / SL_NS_PER_S),
                           .tv_usec = (suseconds_t)(now % SL_NS_PER_S / SL_NS_PER_US)};
    return (int)leave(w, 0);
}

static void do_free(void *u)
{
    alive = NULL;
    pd_world_destroy(u);
}

/* packetdrill's `%{ }%` ask the system for TCP_INFO, not the interface. Where this object is preloaded too, the question
 * comes here. */
#define SOL_TCP_CC_INFO 26 /* Linux's TCP_CC_INFO: nothing to tell */
#define SOL_SO_MEMINFO 55  /* Linux's SO_MEMINFO: zeroes */

__attribute__((visibility("default"))) int getsockopt(int fd, int level, int name, void *restrict value,
                                                      socklen_t *restrict len)
{
    if (!alive || !pd_sock_find(alive, fd))
        return (int)syscall(SYS_getsockopt, fd, level, name, value, len);
    if (level == IPPROTO_TCP && name == SOL_TCP_CC_INFO) {
        *len = 0;
        return 0;
    }
    if (level == SOL_SOCKET && name == SOL_SO_MEMINFO) {
        memset(value, 0, *len);
        return 0;
    }
    return do_getsockopt(alive, fd, level, name, value, len);
}

__attribute__((visibility("default"))) void packetdrill_interface_init(const char *flags,
                                                                       struct packetdrill_interface *ifc)
{
    *ifc = (struct packetdrill_interface){
        .free = do_free,
        .socket = do_socket,
        .bind = do_bind,
        .listen = do_listen,
        .accept = do_accept,
        .connect = do_connect,
        .read = do_read,
        .readv = do_readv,
        .recv = do_recv,
        .recvfrom = do_recvfrom,
        .recvmsg = do_recvmsg,
        .write = do_write,
        .writev = do_writev,
        .send = do_send,
        .sendto = do_sendto,
        .sendmsg = do_sendmsg,
        .fcntl = do_fcntl,
        .ioctl = do_ioctl,
        .close = do_close,
        .shutdown = do_shutdown,
        .getsockopt = do_getsockopt,
        .setsockopt = do_setsockopt,
        .poll = do_poll,
        .netdev_send = do_netdev_send,
        .netdev_receive = do_netdev_receive,
        .usleep = do_usleep,
        .gettimeofday = do_gettimeofday,
        .epoll_create = do_epoll_create,
        .epoll_ctl = do_epoll_ctl,
        .epoll_wait = do_epoll_wait,
        .pipe = do_pipe,
        .splice = do_splice,
    };
    unsetenv("LD_PRELOAD"); /* this process has it; its children need it not */
    ifc->userdata = alive = pd_world_create(flags);
}
