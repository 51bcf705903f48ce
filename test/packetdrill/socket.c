/* Descriptors, and the life of a socket: listen, accept, connect, the end. */
#include "adapter.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

struct pd_sock *pd_sock_find(struct pd_world *w, int fd) { return fd >= 0 && fd < PD_FDS_MAX ? w->socks[fd] : NULL; }

/* ---- descriptors: packetdrill closes with the system's close() what is open when its script ends ---- */
int pd_fd_open(struct pd_world *w, struct pd_sock *s)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (fd >= PD_FDS_MAX) {
        close(fd);
        return -EMFILE;
    }
    if (w->socks[fd]) { /* closed behind our back */
        w->socks[fd]->fd = -1;
        pd_sock_free(w, w->socks[fd]);
    }
    w->socks[fd] = s;
    s->fd = fd;
    return fd;
}

static struct pd_sock *sock_new(int domain)
{
    struct pd_sock *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    s->fd = -1;
    s->domain = domain;
    s->opts.nagle = true; /* RFC 1122 4.2.3.4, until TCP_NODELAY */
    s->opts.keepalive_ns = SL_NEVER;
    sl_list_init(&s->accepted);
    sl_list_init(&s->accept_link);
    return s;
}

void pd_sock_free(struct pd_world *w, struct pd_sock *s)
{
    struct sl_list *node;

    if (s->fd >= 0 && w->socks[s->fd] == s)
        w->socks[s->fd] = NULL;
    if (s->listener)
        sl_tcp_unlisten(s->listener);
    while ((node = sl_list_pop_front(&s->accepted)) != NULL)
        pd_sock_free(w, sl_container_of(node, struct pd_sock, accept_link));
    if (s->stream)
        s->stream->ops->release(s->stream);
    free(s->watches);
    free(s);
}

int pd_socket(struct pd_world *w, int domain, int type, int protocol)
{
    struct pd_sock *s;
    int fd;

    if (domain != AF_INET && domain != AF_INET6)
        return -EAFNOSUPPORT;
    if ((type & 0xf) != SOCK_STREAM || (protocol && protocol != IPPROTO_TCP))
        return -EPROTONOSUPPORT;
    s = sock_new(domain);
    s->nonblock = type & SOCK_NONBLOCK;
    s->opts.ecn = w->flags.ecn;
    s->opts.cookies = w->flags.cookies;
    fd = pd_fd_open(w, s);
    if (fd < 0)
        free(s);
    return fd;
}

/* ---- addresses ---- */
static int endpoint_of(const struct sockaddr *sa, socklen_t len, struct sl_endpoint *out)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

    if (sa->sa_family == AF_INET && len >= sizeof *in)
        *out = (struct sl_endpoint){sl_ip_from4(&in->sin_addr), ntohs(in->sin_port)};
    else if (sa->sa_family == AF_INET6 && len >= sizeof *in6)
        *out = (struct sl_endpoint){sl_ip_from6(&in6->sin6_addr), ntohs(in6->sin6_port)};
    else
        return -EINVAL;
    return 0;
}

static void sockaddr_of(const struct sl_endpoint *ep, int domain, struct sockaddr *sa, socklen_t *len)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(ep->port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(ep->port)};
    socklen_t full = domain == AF_INET ? sizeof in : sizeof in6;

    if (!sa || !len)
        return;
    memcpy(&in.sin_addr, ep->ip.b + 12, 4);
    memcpy(&in6.sin6_addr, ep->ip.b, 16);
    memcpy(sa, domain == AF_INET ? (const void *)&in : (const void *)&in6, SL_MIN(*len, full));
    *len = full;
}

static bool is_any(const struct sl_ip *ip)
{
    static const struct sl_ip none;
    static const uint8_t zero4[4];

    return sl_ip_is4(ip) ? memcmp(ip->b + 12, zero4, 4) == 0 : sl_ip_equal(ip, &none);
}

int pd_bind(struct pd_world *w, int fd, const struct sockaddr *at, socklen_t len)
{
    struct pd_sock *s = pd_sock_find(w, fd);
    struct sl_endpoint local;
    uint8_t iface;
    int rc;

    if (!s)
        return -EBADF;
    rc = endpoint_of(at, len, &local);
    if (rc || s->bound || s->stream || s->listener)
        return -EINVAL;
    if (is_any(&local.ip))
        local.ip = s->domain == AF_INET ? w->flags.local4 : w->flags.local6;
    if (!sl_net_is_local(w->net, &local.ip, &iface))
        return -EADDRNOTAVAIL;
    if (!local.port)
        local.port = w->next_port++;
    s->local = local;
    s->bound = true;
    return 0;
}

/* ---- passive ---- */
int pd_listen(struct pd_world *w, int fd, int backlog)
{
    struct pd_sock *s = pd_sock_find(w, fd);
    uint32_t most = backlog > 0 ? (uint32_t)backlog + 1 : 1;

    if (!s)
        return -EBADF;
    if (!s->bound || s->stream)
        return -EINVAL;
    if (s->listener) {
        sl_tcp_listener_update(s->listener, &s->opts, most, &w->ready, s);
        return 0;
    }
    return sl_tcp_listen(w->tcp, &s->local, &s->opts, most, &w->ready, s, &s->listener);
}

/* What the listener's options say now may differ from what they said at listen(). */
static struct pd_sock *child_of(struct pd_sock *listener, struct sl_stream *stream)
{
    struct pd_sock *s = sock_new(listener->domain);

    s->opts = listener->opts;
    s->keep_idle_ns = listener->keep_idle_ns;
    s->keepalive = listener->keepalive;
    s->linger = listener->linger;
    s->local = listener->local;
    s->bound = true;
    s->stream = stream;
    stream->owner = s;
    sl_list_push_back(&listener->accepted, &s->accept_link);
    listener->edges++;
    return s;
}

struct accept_op {
    struct pd_sock *listener, *child;
};

static bool try_accept(struct pd_world *w, void *op)
{
    struct accept_op *a = op;
    struct sl_list *node = sl_list_pop_front(&a->listener->accepted);

    (void)w;
    if (!node)
        return false;
    a->child = sl_container_of(node, struct pd_sock, accept_link);
    return true;
}

int pd_accept(struct pd_world *w, int fd, struct sockaddr *from, socklen_t *len)
{
    struct accept_op op = {pd_sock_find(w, fd), NULL};
    struct sl_facts facts;
    int child;

    if (!op.listener)
        return -EBADF;
    if (!op.listener->listener)
        return -EINVAL;
    if (!pd_wait(w, try_accept, &op, op.listener->nonblock ? 0 : SL_NEVER))
        return -EAGAIN;
    child = pd_fd_open(w, op.child);
    if (child < 0) {
        pd_sock_free(w, op.child);
        return child;
    }
    op.child->stream->ops->facts(op.child->stream, &facts);
    sockaddr_of(&facts.peer, op.child->domain, from, len);
    return child;
}

/* ---- active ---- */
static bool try_connect(struct pd_world *w, void *op)
{
    struct pd_sock *s = op;

    (void)w;
    return !s->connecting;
}

static int connect_begin(struct pd_world *w, struct pd_sock *s, const struct sl_endpoint *remote)
{
    int rc = 0;

    if (!s->bound) {
        s->local.port = w->next_port++;
        rc = sl_net_source(w->net, &remote->ip, &s->local.ip);
    }
    if (rc)
        return rc;
    s->stream = sl_tcp_connect(w->tcp, &s->local, remote, &s->opts, &w->ready, s, w->now, &rc);
    if (!s->stream)
        return rc;
    s->bound = s->connecting = true;
    pd_run(w);
    return 0;
}

int pd_connect(struct pd_world *w, int fd, const struct sockaddr *to, socklen_t len)
{
    struct pd_sock *s = pd_sock_find(w, fd);
    struct sl_endpoint remote;
    int rc;

    if (!s)
        return -EBADF;
    if (endpoint_of(to, len, &remote) || s->listener)
        return -EINVAL;
    if (s->connecting && s->nonblock)
        return -EALREADY;
    if (!s->stream) {
        rc = connect_begin(w, s, &remote);
        if (rc)
            return rc;
    } else if (!s->connecting) {
        return s->error ? -pd_sock_take_error(s) : -EISCONN;
    }
    if (!pd_wait(w, try_connect, s, s->nonblock ? 0 : SL_NEVER))
        return -EINPROGRESS;
    return -pd_sock_take_error(s);
}

/* ---- what happened ---- */
static const int reason_errno[SL_REASON_COUNT] = {
    [SL_REASON_REFUSED] = ECONNREFUSED,     [SL_REASON_RESET] = ECONNRESET,     [SL_REASON_TIMEOUT] = ETIMEDOUT,
    [SL_REASON_UNREACHABLE] = EHOSTUNREACH, [SL_REASON_PROTOCOL] = EPROTO,      [SL_REASON_TRUNCATED] = EPROTO,
    [SL_REASON_NO_RESOURCE] = ENOBUFS,      [SL_REASON_ABORTED] = ECONNABORTED,
};

int pd_sock_take_error(struct pd_sock *s)
{
    int error = s->error;

    s->error = 0;
    return error;
}

void pd_take_events(struct pd_world *w)
{
    struct sl_stream *stream;
    uint8_t events;

    while ((stream = sl_ready_take(&w->ready, &events)) != NULL) {
        struct pd_sock *s = stream->owner;

        if (s->listener)
            s = child_of(s, stream);
        s->edges++;
        if (events & SL_STREAM_OPEN) {
            s->connected = true;
            s->connecting = false;
        }
        if (events & SL_STREAM_CLOSED) {
            s->connecting = false;
            s->over = true;
            s->error = reason_errno[stream->reason];
        }
    }
}

/* ---- the end ---- */
int pd_shutdown(struct pd_world *w, int fd, int how)
{
    struct pd_sock *s = pd_sock_find(w, fd);

    if (!s)
        return -EBADF;
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    if (!s->stream || s->over)
        return -ENOTCONN;
    s->shut_rd |= how != SHUT_WR;
    if (how != SHUT_RD && !s->shut_wr) {
        s->shut_wr = true;
        s->stream->ops->shutdown(s->stream);
    }
    s->edges++;
    pd_run(w);
    return 0;
}

/* RFC 1122 4.2.2.13: bytes that nobody will read are told of by a RST. */
static bool ends_with_rst(const struct pd_sock *s)
{
    return (s->linger.l_onoff && !s->linger.l_linger) || s->stream->state & SL_STREAM_READABLE;
}

int pd_close(struct pd_world *w, int fd)
{
    struct pd_sock *s = pd_sock_find(w, fd);

    if (!s)
        return -EBADF;
    close(fd);
    if (s->stream && s->connected && !ends_with_rst(s))
        s->stream->ops->shutdown(s->stream);
    else if (s->stream && s->connected)
        s->stream->ops->abort(s->stream, SL_REASON_ABORTED);
    pd_sock_free(w, s);
    pd_run(w);
    return 0;
}
