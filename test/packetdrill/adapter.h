/* The adapter's insides: one world of virtual time around lib/net and lib/tcp, and sockets over its streams. All
 * functions are called with the world's lock held and answer with a negative errno where they fail. */
#ifndef PD_ADAPTER_H
#define PD_ADAPTER_H

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <poll.h>

#include "net/net.h"
#include "stream/stream.h"
#include "tcp/tcp.h"

#define PD_FDS_MAX 256
#define PD_WATCHES_MAX 64 /* of one epoll */

/* What --so_flags says: `key=value,...`. */
struct pd_flags {
    struct sl_ip local4, local6;
    uint64_t time_wait_ns;
    uint16_t mtu;
    uint8_t ecn;     /* enum sl_tcp_ecn */
    uint8_t cookies; /* enum sl_tcp_cookies */
    bool trace;      /* every packet as a line on stderr */
};

struct pd_watch {
    int fd;
    struct epoll_event event;
    uint64_t seen; /* pd_sock.edges when it was last reported */
    bool spent;    /* EPOLLONESHOT */
};

struct pd_sock {
    int fd; /* -1: not accepted yet */
    int domain;
    bool nonblock, bound, connecting, connected, over, shut_rd, shut_wr, reuse, keepalive;
    int error; /* errno to be told once; 0: none */
    struct linger linger;
    struct sl_endpoint local;
    struct sl_tcp_opts opts;
    uint64_t keep_idle_ns;
    struct sl_stream *stream;
    struct sl_tcp_listener *listener;
    struct sl_list accepted;    /* a listener's: of accept_link */
    struct sl_list accept_link; /* of an established connection that waits for accept */
    uint64_t edges;             /* grows with every event: edge-triggered epoll */
    struct pd_watch *watches;   /* not NULL: an epoll */
    uint32_t n_watches;
};

struct pd_world {
    pthread_mutex_t lock;
    pthread_cond_t woken;
    pthread_t owner; /* the thread that moves time; others only wait */
    uint64_t now;
    struct pd_flags flags;
    struct sl_stats stats;
    struct sl_net *net;
    struct sl_tcp *tcp;
    struct sl_net_batch batch;
    struct sl_ready ready;
    struct sl_list sent;    /* IP packets that left and that nobody took */
    struct sl_list waiters; /* blocked calls */
    uint16_t next_port;
    struct pd_sock *socks[PD_FDS_MAX]; /* by descriptor */
};

/* ---- world.c: time and packets ---- */
struct pd_world *pd_world_create(const char *flags);
void pd_world_destroy(struct pd_world *w);
/* Lets the stack do what it can do now; completes blocked calls. */
void pd_run(struct pd_world *w);
void pd_advance(struct pd_world *w, uint64_t until);
/* An IP packet from the wire. -EINVAL, -EMSGSIZE. */
int pd_packet_in(struct pd_world *w, const void *packet, size_t len);
/* The next packet that left; moves time on until there is one, within bounds. Its length, 0: none; -EMSGSIZE. */
long pd_packet_out(struct pd_world *w, void *packet, size_t room, uint64_t *at_ns);
/* Tries until `attempt` is true or timeout_ns have passed (SL_NEVER: no limit). Whether it became true. The thread that
 * moves time moves it on; another one sleeps until that one has come far enough. */
bool pd_wait(struct pd_world *w, bool (*attempt)(struct pd_world *w, void *op), void *op, uint64_t timeout_ns);
/* What gettimeofday answers: the time at which this thread's last blocked call came to its end, once; else now. */
uint64_t pd_time_asked(struct pd_world *w);
struct rte_mbuf *pd_mbuf(const void *bytes, size_t len);

/* ---- socket.c: descriptors and the life of a socket ---- */
struct pd_sock *pd_sock_find(struct pd_world *w, int fd);
int pd_socket(struct pd_world *w, int domain, int type, int protocol);
int pd_bind(struct pd_world *w, int fd, const struct sockaddr *at, socklen_t len);
int pd_listen(struct pd_world *w, int fd, int backlog);
int pd_accept(struct pd_world *w, int fd, struct sockaddr *from, socklen_t *len);
int pd_connect(struct pd_world *w, int fd, const struct sockaddr *to, socklen_t len);
int pd_shutdown(struct pd_world *w, int fd, int how);
int pd_close(struct pd_world *w, int fd);
void pd_sock_free(struct pd_world *w, struct pd_sock *s);
void pd_take_events(struct pd_world *w);
/* A new descriptor that the system knows too. */
int pd_fd_open(struct pd_world *w, struct pd_sock *s);
int pd_sock_take_error(struct pd_sock *s);

/* ---- bytes.c: read and write ---- */
ssize_t pd_readv(struct pd_world *w, int fd, const struct iovec *iov, size_t n, int flags);
ssize_t pd_writev(struct pd_world *w, int fd, const struct iovec *iov, size_t n, int flags);

/* ---- option.c, info.c ---- */
int pd_getsockopt(struct pd_world *w, int fd, int level, int name, void *value, socklen_t *len);
int pd_setsockopt(struct pd_world *w, int fd, int level, int name, const void *value, socklen_t len);
int pd_fcntl(struct pd_world *w, int fd, int cmd, long arg);
int pd_ioctl(struct pd_world *w, int fd, unsigned long request, int *arg);
/* Linux's struct tcp_info, as long as *len; what lies behind what this machine's headers know is zero. */
int pd_tcp_info(struct pd_sock *s, void *value, socklen_t *len);

/* ---- poll.c ---- */
int pd_poll(struct pd_world *w, struct pollfd *fds, nfds_t n, int timeout_ms);
int pd_epoll_create(struct pd_world *w);
int pd_epoll_ctl(struct pd_world *w, int epfd, int op, int fd, const struct epoll_event *event);
int pd_epoll_wait(struct pd_world *w, int epfd, struct epoll_event *events, int max, int timeout_ms);

#endif
