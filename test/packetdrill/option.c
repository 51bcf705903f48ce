/* Options of sockets, as tables: what a script may set and ask. */
#include "adapter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

static struct sl_tcp_info info_of(struct pd_sock *s)
{
    struct sl_tcp_info info = {0};

    if (s->stream)
        sl_tcp_stream_info(s->stream, &info);
    return info;
}

/* ---- options that are one number ---- */
static int get_error(struct pd_sock *s) { return pd_sock_take_error(s); }
static int get_type(struct pd_sock *s) { return SOCK_STREAM; }
static int get_listening(struct pd_sock *s) { return s->listener != NULL; }
static int get_reuse(struct pd_sock *s) { return s->reuse; }
static int get_keepalive(struct pd_sock *s) { return s->keepalive; }
static int get_nodelay(struct pd_sock *s) { return !s->opts.nagle; }
static int get_mss(struct pd_sock *s) { return s->stream ? info_of(s).mss : 536; }
/* Linux keeps, and tells, twice what was asked for. */
static int get_rcvbuf(struct pd_sock *s)
{
    return (int)(2 * (s->opts.rcv_max_bytes ? s->opts.rcv_max_bytes : 256 << 10));
}
static int get_sndbuf(struct pd_sock *s)
{
    return (int)(2 * (s->opts.snd_max_bytes ? s->opts.snd_max_bytes : 256 << 10));
}
static int get_idle(struct pd_sock *s) { return s->keep_idle_ns ? (int)(s->keep_idle_ns / SL_NS_PER_S) : 7200; }
static int get_probes(struct pd_sock *s) { return s->opts.keepalive_probes ? (int)s->opts.keepalive_probes : 10; }
static int get_user_timeout(struct pd_sock *s) { return (int)(s->opts.user_timeout_ns / SL_NS_PER_MS); }
static int get_interval(struct pd_sock *s)
{
    return s->opts.keepalive_interval_ns ? (int)(s->opts.keepalive_interval_ns / SL_NS_PER_S) : 75;
}

static void set_alive(struct pd_sock *s)
{
    s->opts.keepalive_ns = !s->keepalive ? SL_NEVER : s->keep_idle_ns ? s->keep_idle_ns : 7200 * SL_NS_PER_S;
}

static int set_reuse(struct pd_sock *s, int v)
{
    s->reuse = v != 0;
    return 0;
}

static int set_keepalive(struct pd_sock *s, int v)
{
    s->keepalive = v != 0;
    set_alive(s);
    return 0;
}

static int set_idle(struct pd_sock *s, int v)
{
    s->keep_idle_ns = (uint64_t)v * SL_NS_PER_S;
    set_alive(s);
    return v > 0 ? 0 : -EINVAL;
}

static int set_interval(struct pd_sock *s, int v)
{
    s->opts.keepalive_interval_ns = (uint64_t)v * SL_NS_PER_S;
    return v > 0 ? 0 : -EINVAL;
}

static int set_probes(struct pd_sock *s, int v)
{
    s->opts.keepalive_probes = (uint32_t)v;
    return v > 0 ? 0 : -EINVAL;
}

static int set_user_timeout(struct pd_sock *s, int v)
{
    s->opts.user_timeout_ns = (uint64_t)v * SL_NS_PER_MS;
    return v >= 0 ? 0 : -EINVAL;
}

static int set_nodelay(struct pd_sock *s, int v)
{
    s->opts.nagle = !v;
    return 0;
}

static int set_rcvbuf(struct pd_sock *s, int v)
{
    s->opts.rcv_max_bytes = (uint32_t)v;
    return v > 0 ? 0 : -EINVAL;
}

static int set_sndbuf(struct pd_sock *s, int v)
{
    s->opts.snd_max_bytes = (uint32_t)v;
    return v > 0 ? 0 : -EINVAL;
}

static const struct number {
    int level, name;
    int (*get)(struct pd_sock *s);
    int (*set)(struct pd_sock *s, int v); /* NULL: only asked for */
} numbers[] = {
    {SOL_SOCKET, SO_ERROR, get_error, NULL},
    {SOL_SOCKET, SO_TYPE, get_type, NULL},
    {SOL_SOCKET, SO_ACCEPTCONN, get_listening, NULL},
    {SOL_SOCKET, SO_REUSEADDR, get_reuse, set_reuse},
    {SOL_SOCKET, SO_REUSEPORT, get_reuse, set_reuse},
    {SOL_SOCKET, SO_KEEPALIVE, get_keepalive, set_keepalive},
    {SOL_SOCKET, SO_RCVBUF, get_rcvbuf, set_rcvbuf},
    {SOL_SOCKET, SO_SNDBUF, get_sndbuf, set_sndbuf},
    {IPPROTO_TCP, TCP_NODELAY, get_nodelay, set_nodelay},
    {IPPROTO_TCP, TCP_MAXSEG, get_mss, NULL},
    {IPPROTO_TCP, TCP_KEEPIDLE, get_idle, set_idle},
    {IPPROTO_TCP, TCP_KEEPINTVL, get_interval, set_interval},
    {IPPROTO_TCP, TCP_KEEPCNT, get_probes, set_probes},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, get_user_timeout, set_user_timeout},
};

static const struct number *number_of(int level, int name)
{
    for (size_t i = 0; i < SL_ARRAY_LEN(numbers); i++)
        if (numbers[i].level == level && numbers[i].name == name)
            return &numbers[i];
    return NULL;
}

/* ---- congestion control has a name ---- */
static const struct {
    const char *name;
    uint8_t kind;
} controls[] = {{"cubic", SL_TCP_CC_CUBIC}, {"reno", SL_TCP_CC_NEWRENO}, {"newreno", SL_TCP_CC_NEWRENO}};

static int set_congestion(struct pd_sock *s, const char *name, socklen_t len)
{
    for (size_t i = 0; i < SL_ARRAY_LEN(controls); i++) {
        size_t full = strlen(controls[i].name);

        if (len >= full && memcmp(controls[i].name, name, full) == 0 && (len == full || !name[full])) {
            s->opts.cc = controls[i].kind;
            return 0;
        }
    }
    return -ENOENT;
}

static int get_congestion(const struct pd_sock *s, char *value, socklen_t *len)
{
    static const char names[][16] = {
        [SL_TCP_CC_DEFAULT] = "cubic", [SL_TCP_CC_CUBIC] = "cubic", [SL_TCP_CC_NEWRENO] = "reno"};

    *len = SL_MIN(*len, (socklen_t)sizeof names[0]);
    memcpy(value, names[s->opts.cc], *len);
    return 0;
}

/* ---- the calls ---- */
static int get_linger(const struct pd_sock *s, void *value, socklen_t *len)
{
    *len = SL_MIN(*len, (socklen_t)sizeof s->linger);
    memcpy(value, &s->linger, *len);
    return 0;
}

int pd_getsockopt(struct pd_world *w, int fd, int level, int name, void *value, socklen_t *len)
{
    struct pd_sock *s = pd_sock_find(w, fd);
    const struct number *n = number_of(level, name);
    int v;

    if (!s)
        return -EBADF;
    if (level == IPPROTO_TCP && name == TCP_INFO)
        return pd_tcp_info(s, value, len);
    if (level == IPPROTO_TCP && name == TCP_CONGESTION)
        return get_congestion(s, value, len);
    if (level == SOL_SOCKET && name == SO_LINGER)
        return get_linger(s, value, len);
    if (!n)
        return -ENOPROTOOPT;
    v = n->get(s);
    *len = SL_MIN(*len, (socklen_t)sizeof v);
    memcpy(value, &v, *len);
    return 0;
}

static int set_number(struct pd_sock *s, int level, int name, const void *value, socklen_t len)
{
    const struct number *n = number_of(level, name);
    int v;

    if (!n || !n->set)
        return -ENOPROTOOPT;
    if (len < sizeof v)
        return -EINVAL;
    memcpy(&v, value, sizeof v);
    return n->set(s, v);
}

int pd_setsockopt(struct pd_world *w, int fd, int level, int name, const void *value, socklen_t len)
{
    struct pd_sock *s = pd_sock_find(w, fd);
    int rc;

    if (!s)
        return -EBADF;
    if (level == SOL_SOCKET && name == SO_LINGER) {
        if (len < sizeof s->linger)
            return -EINVAL;
        memcpy(&s->linger, value, sizeof s->linger);
        return 0;
    }
    if (level == IPPROTO_TCP && name == TCP_CONGESTION)
        rc = set_congestion(s, value, len);
    else
        rc = set_number(s, level, name, value, len);
    if (!rc && s->stream)
        rc = sl_tcp_stream_update(s->stream, &s->opts);
    pd_run(w);
    return rc;
}

int pd_fcntl(struct pd_world *w, int fd, int cmd, long arg)
{
    struct pd_sock *s = pd_sock_find(w, fd);

    if (!s)
        return -EBADF;
    if (cmd == F_GETFL)
        return O_RDWR | (s->nonblock ? O_NONBLOCK : 0);
    if (cmd == F_GETFD || cmd == F_SETFD)
        return 0;
    if (cmd != F_SETFL)
        return -EINVAL;
    s->nonblock = arg & O_NONBLOCK;
    return 0;
}

int pd_ioctl(struct pd_world *w, int fd, unsigned long request, int *arg)
{
    struct pd_sock *s = pd_sock_find(w, fd);
    struct sl_tcp_info info;

    if (!s)
        return -EBADF;
    if (!arg)
        return -EFAULT;
    info = info_of(s);
    if (request == SIOCINQ)
        *arg = (int)info.rcv_queued_bytes;
    else if (request == SIOCOUTQ)
        *arg = (int)info.snd_queued_bytes;
    else if (request == SIOCOUTQNSD)
        *arg = (int)(info.snd_queued_bytes > info.flight_bytes ? info.snd_queued_bytes - info.flight_bytes : 0);
    else if (request == FIONBIO)
        s->nonblock = *arg;
    else
        return -EINVAL;
    return 0;
}
