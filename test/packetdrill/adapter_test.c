/* The shared object through its own interface, as packetdrill uses it: opened by name, driven by calls and IP packets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "abi.h"
#include "helpers/helpers.h"

#define ETHER_BYTES 14
#define LPORT 8080
#define RPORT 40000
#define PEER_ISS 5000

static void (*init)(const char *flags, struct packetdrill_interface *ifc);
static struct packetdrill_interface pd;
static bool ip6;
static uint32_t iss;   /* of the adapter's side */
static uint16_t lport; /* its port */
static uint8_t got[TH_FRAME_MAX];
static struct th_pkt last;   /* the packet that left last; points into `got` */
static long long last_at_us; /* when that was */

/* ---- calls without the first argument ---- */
#define U(call, ...) pd.call(pd.userdata, ##__VA_ARGS__)
#define fails(error, result)                                                                                           \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        assert_int_equal(result, -1);                                                                                  \
        assert_int_equal(errno, error);                                                                                \
    } while (0)

static long long now_us(void)
{
    struct timeval tv;

    assert_int_equal(U(gettimeofday, &tv, NULL), 0);
    return tv.tv_sec * 1000000LL + tv.tv_usec;
}

static struct sl_ip here(void) { return th_ip(ip6 ? "2001:db8:1::10" : "198.18.0.10"); }
static struct sl_ip there(void) { return th_ip(ip6 ? "2001:db8:1::2" : "198.18.0.2"); }

static socklen_t address(struct sockaddr_storage *sa, struct sl_ip ip, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    memcpy(&in.sin_addr, ip.b + 12, 4);
    memcpy(&in6.sin6_addr, ip.b, 16);
    memcpy(sa, ip6 ? (void *)&in6 : (void *)&in, ip6 ? sizeof in6 : sizeof in);
    return ip6 ? sizeof in6 : sizeof in;
}

/* ---- packets ---- */
static void peer(struct th_tcp tcp)
{
    static uint8_t frame[TH_FRAME_MAX];
    struct th_pkt p = {.kind = TH_TCP, .src = there(), .dst = here()};
    size_t len;

    p.tcp = tcp;
    p.tcp.sport = RPORT;
    p.tcp.dport = lport;
    p.tcp.wnd = tcp.wnd ? tcp.wnd : 65535;
    len = th_encode(&p, frame, sizeof frame);
    assert_int_equal(U(netdev_send, frame + ETHER_BYTES, len - ETHER_BYTES), 0);
}

/* Whether a packet left; it stands in `last`. */
static bool take(void)
{
    size_t len = sizeof got - ETHER_BYTES;

    got[12] = ip6 ? 0x86 : 0x08;
    got[13] = ip6 ? 0xdd : 0x00;
    assert_int_equal(U(netdev_receive, got + ETHER_BYTES, &len, &last_at_us), 0);
    if (!len)
        return false;
    assert_null(th_decode(got, len + ETHER_BYTES, &last));
    assert_int_equal(last.kind, TH_TCP);
    lport = last.tcp.sport;
    if (last.tcp.flags & TH_SYN)
        iss = last.tcp.seq;
    return true;
}

static void expect(uint8_t flags, uint32_t seq, uint32_t len)
{
    assert_true(take());
    assert_int_equal(last.tcp.flags & ~TH_PSH, flags);
    assert_int_equal(last.tcp.seq - iss, seq);
    assert_int_equal(last.tcp.len, len);
}

static void data(uint32_t seq, const char *text)
{
    peer((struct th_tcp){.flags = TH_ACK,
                         .seq = PEER_ISS + seq,
                         .ack = iss + 1,
                         .data = (const uint8_t *)text,
                         .len = (uint32_t)strlen(text)});
}

/* ---- sockets ---- */
static int new_socket(int type) { return U(socket, ip6 ? AF_INET6 : AF_INET, SOCK_STREAM | type, IPPROTO_TCP); }

static int listening(void)
{
    struct sockaddr_storage sa;
    socklen_t len = address(&sa, here(), LPORT);
    int fd = new_socket(SOCK_NONBLOCK);

    assert_true(fd >= 0);
    assert_int_equal(U(bind, fd, (struct sockaddr *)&sa, len), 0);
    assert_int_equal(U(listen, fd, 8), 0);
    lport = LPORT;
    return fd;
}

static int accepted(int listener)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    int fd;

    peer((struct th_tcp){.flags = TH_SYN, .seq = PEER_ISS, .mss = 1000, .sack_ok = true, .wscale = 1 + 7});
    expect(TH_SYN | TH_ACK, 0, 0);
    assert_int_equal(last.tcp.ack, PEER_ISS + 1);
    fails(EAGAIN, U(accept, listener, (struct sockaddr *)&sa, &len));
    assert_int_equal(U(usleep, 100000), 0);
    peer((struct th_tcp){.flags = TH_ACK, .seq = PEER_ISS + 1, .ack = iss + 1, .wnd = 1000});
    fd = U(accept, listener, (struct sockaddr *)&sa, &len);
    assert_true(fd >= 0);
    assert_int_equal(sa.ss_family, ip6 ? AF_INET6 : AF_INET);
    assert_int_equal(ntohs(((struct sockaddr_in *)&sa)->sin_port), RPORT);
    return fd;
}

static struct tcp_info info_of(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof info;

    memset(&info, 0xee, sizeof info);
    assert_int_equal(U(getsockopt, fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    assert_int_equal(len, sizeof info);
    return info;
}

static int number(int fd, int level, int name)
{
    int v = -1;
    socklen_t len = sizeof v;

    assert_int_equal(U(getsockopt, fd, level, name, &v, &len), 0);
    assert_int_equal(len, sizeof v);
    return v;
}

static void set(int fd, int level, int name, int v)
{
    assert_int_equal(U(setsockopt, fd, level, name, &v, sizeof v), 0);
}

/* ---- tests ---- */
static void passive_open_bytes_both_ways_and_close(void **state)
{
    int listener = listening(), fd = accepted(listener);
    char buf[100];

    fails(EAGAIN, U(recv, fd, buf, sizeof buf, MSG_DONTWAIT));
    data(1, "hello");
    assert_int_equal(number(fd, SOL_SOCKET, SO_ERROR), 0);
    assert_int_equal(U(recv, fd, buf, sizeof buf, MSG_PEEK), 5);
    assert_int_equal(U(read, fd, buf, 2), 2);
    assert_int_equal(U(read, fd, buf + 2, sizeof buf - 2), 3);
    assert_memory_equal(buf, "hello", 5);
    expect(TH_ACK, 1, 0);
    assert_int_equal(last.tcp.ack, PEER_ISS + 6);
    assert_int_equal(U(write, fd, "good day", 8), 8);
    expect(TH_ACK, 1, 8);
    assert_memory_equal(last.tcp.data, "good day", 8);
    peer((struct th_tcp){.flags = TH_ACK | TH_FIN, .seq = PEER_ISS + 6, .ack = iss + 9});
    expect(TH_ACK, 9, 0);
    assert_int_equal(U(read, fd, buf, sizeof buf), 0);
    assert_int_equal(info_of(fd).tcpi_state, 8); /* CLOSE-WAIT */
    assert_int_equal(U(close, fd), 0);
    expect(TH_ACK | TH_FIN, 9, 0);
    fails(EBADF, U(read, fd, buf, sizeof buf));
    assert_int_equal(U(close, listener), 0);
}

static void vectors_are_one_stream(void **state)
{
    int fd = accepted(listening());
    char a[3], b[4];
    struct iovec in[] = {{a, sizeof a}, {NULL, 0}, {b, sizeof b}}, out[] = {{"one", 3}, {"", 0}, {"two", 3}};
    struct msghdr m = {.msg_iov = in, .msg_iovlen = 3};

    fails(EFAULT, U(write, fd, NULL, 1));
    data(1, "abcdefg");
    fails(EFAULT, U(read, fd, NULL, 1));
    assert_int_equal(U(readv, fd, in, 3), 7);
    assert_memory_equal(a, "abc", 3);
    assert_memory_equal(b, "defg", 4);
    expect(TH_ACK, 1, 0);
    data(8, "vwxyz");
    assert_int_equal(U(recvmsg, fd, &m, 0), 5);
    assert_memory_equal(b, "yz", 2);
    assert_int_equal(U(writev, fd, out, 3), 6);
    assert_true(take());
    if (last.tcp.len == 0) /* the ACK may go alone */
        assert_true(take());
    assert_memory_equal(last.tcp.data, "onetwo", 6);
}

static void tcp_info_is_in_linux_layout(void **state)
{
    int fd = accepted(listening());
    struct tcp_info info;
    char long_answer[512];
    socklen_t len = sizeof long_answer;
    static char bytes[2500];

    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    assert_int_equal(U(write, fd, bytes, sizeof bytes), sizeof bytes);
    info = info_of(fd);
    assert_int_equal(info.tcpi_state, 1);
    assert_int_equal(info.tcpi_ca_state, TCP_CA_Open);
    assert_int_equal(info.tcpi_options, TCPI_OPT_SACK | TCPI_OPT_WSCALE);
    assert_int_equal(info.tcpi_snd_wscale, 7);
    assert_int_equal(info.tcpi_rcv_wscale, last.tcp.wscale - 1);
    assert_int_equal(info.tcpi_snd_mss, 1000);
    assert_int_equal(info.tcpi_unacked, 3);
    assert_int_equal(info.tcpi_sacked, 0);
    assert_int_equal(info.tcpi_snd_cwnd, 10);
    assert_int_equal(info.tcpi_snd_ssthresh, INT32_MAX);
    assert_in_range(info.tcpi_rtt, 100000, 100100); /* between SYN-ACK and ACK */
    assert_int_equal(info.tcpi_rttvar, info.tcpi_rtt / 2);
    assert_in_range(info.tcpi_rto, 299000, 301000); /* srtt + 4 * rttvar, RFC 6298 2.2 */
    assert_int_equal(info.tcpi_pmtu, 1500);
    assert_int_equal(info.tcpi_total_retrans, 0);
    assert_int_equal(U(getsockopt, fd, IPPROTO_TCP, TCP_INFO, long_answer, &len), 0);
    assert_int_equal(len, sizeof long_answer);
    assert_memory_equal(long_answer, &info, sizeof info);
    for (size_t i = sizeof info; i < sizeof long_answer; i++)
        assert_int_equal(long_answer[i], 0);
}

static void loss_shows_in_tcp_info(void **state)
{
    int fd = accepted(listening());
    static char bytes[5000];

    assert_int_equal(U(write, fd, bytes, sizeof bytes), sizeof bytes);
    for (uint32_t i = 0; i < 5; i++)
        expect(TH_ACK, 1 + 1000 * i, 1000);
    for (uint32_t i = 0; i < 3; i++)
        peer((struct th_tcp){.flags = TH_ACK,
                             .seq = PEER_ISS + 1,
                             .ack = iss + 1,
                             .wnd = 1000,
                             .n_sacks = 1,
                             .sacks = {{iss + 1001, iss + 2001 + 1000 * i}}});
    expect(TH_ACK, 1, 1000);
    assert_int_equal(info_of(fd).tcpi_ca_state, TCP_CA_Recovery);
    assert_int_equal(info_of(fd).tcpi_sacked, 3);
    assert_int_equal(info_of(fd).tcpi_total_retrans, 1);
}

static void active_open(void **state)
{
    struct sockaddr_storage sa;
    socklen_t len = address(&sa, there(), RPORT);
    int fd = new_socket(0);
    struct pollfd p = {.fd = fd, .events = POLLOUT | POLLIN};

    assert_int_equal(U(fcntl, fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
    assert_int_equal(U(fcntl, fd, F_GETFL), O_RDWR | O_NONBLOCK);
    fails(EINPROGRESS, U(connect, fd, (struct sockaddr *)&sa, len));
    fails(EALREADY, U(connect, fd, (struct sockaddr *)&sa, len));
    assert_int_equal(U(poll, &p, 1, 0), 0);
    assert_int_equal(info_of(fd).tcpi_state, 2); /* SYN-SENT */
    expect(TH_SYN, 0, 0);
    peer((struct th_tcp){.flags = TH_SYN | TH_ACK, .seq = PEER_ISS, .ack = iss + 1, .mss = 1000});
    expect(TH_ACK, 1, 0);
    assert_int_equal(U(poll, &p, 1, 0), 1);
    assert_int_equal(p.revents, POLLOUT);
    assert_int_equal(number(fd, SOL_SOCKET, SO_ERROR), 0);
    fails(EISCONN, U(connect, fd, (struct sockaddr *)&sa, len));
}

static void refused_connection_tells_its_error_once(void **state)
{
    struct sockaddr_storage sa;
    socklen_t len = address(&sa, there(), RPORT);
    int fd = new_socket(SOCK_NONBLOCK);

    fails(EINPROGRESS, U(connect, fd, (struct sockaddr *)&sa, len));
    expect(TH_SYN, 0, 0);
    peer((struct th_tcp){.flags = TH_RST | TH_ACK, .ack = iss + 1});
    assert_int_equal(number(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
    assert_int_equal(number(fd, SOL_SOCKET, SO_ERROR), 0);
    fails(EPIPE, U(write, fd, "x", 1));
}

static void reset_connection_reads_as_reset(void **state)
{
    int fd = accepted(listening());
    char c;

    peer((struct th_tcp){.flags = TH_RST, .seq = PEER_ISS + 1});
    fails(ECONNRESET, U(read, fd, &c, 1));
    assert_int_equal(U(read, fd, &c, 1), 0);
    fails(EPIPE, U(write, fd, &c, 1));
}

static void time_is_virtual(void **state)
{
    struct sockaddr_storage sa;
    socklen_t len = address(&sa, there(), RPORT);
    int fd = new_socket(SOCK_NONBLOCK);
    long long start = now_us();

    assert_int_equal(U(usleep, 5000000), 0);
    assert_in_range(now_us() - start, 5000000, 5000010);
    fails(EINPROGRESS, U(connect, fd, (struct sockaddr *)&sa, len));
    expect(TH_SYN, 0, 0);
    start = last_at_us;
    expect(TH_SYN, 0, 0); /* RFC 6298: after 1 s, then 2 s more */
    assert_in_range(last_at_us - start, 990000, 1010000);
    expect(TH_SYN, 0, 0);
    assert_in_range(last_at_us - start, 2990000, 3010000);
    assert_in_range(now_us() - last_at_us, 0, 10);
}

static void silence_is_an_empty_packet(void **state)
{
    accepted(listening());
    assert_false(take());
}

/* ---- a blocked call, and the thread that moves time ---- */
struct blocked {
    int fd;
    atomic_int tid;
    ssize_t n;
    char buf[10];
    long long ended_us;
};

static void *blocked_read(void *arg)
{
    struct blocked *b = arg;

    b->tid = gettid();
    b->n = U(read, b->fd, b->buf, sizeof b->buf);
    b->ended_us = now_us();
    return NULL;
}

/* As packetdrill finds out: the thread sleeps. */
static bool sleeps(int tid)
{
    char path[64], state = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    f = tid ? fopen(path, "r") : NULL;
    if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
        state = 0;
    if (f)
        fclose(f);
    return state == 'S';
}

static void blocked_call_ends_when_its_packet_came(void **state)
{
    struct blocked b = {.fd = accepted(listening())};
    pthread_t thread;
    long long came;
    int waiting = -1;

    assert_int_equal(pthread_create(&thread, NULL, blocked_read, &b), 0);
    while (!sleeps(b.tid))
        sched_yield();
    assert_int_equal(U(usleep, 1000), 0);
    came = now_us();
    data(1, "late");
    assert_int_equal(U(usleep, 700000), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(b.n, 4);
    assert_int_equal(U(ioctl, b.fd, FIONREAD, &waiting), 0);
    assert_int_equal(waiting, 0);
    assert_int_equal(b.ended_us, came); /* although time has gone on since */
}

static void epoll_level_and_edge(void **state)
{
    int fd = accepted(listening()), level = U(epoll_create, 1), edge = U(epoll_create, 1);
    struct epoll_event want = {.events = EPOLLIN, .data.u32 = 77}, found;

    assert_int_equal(U(epoll_ctl, level, EPOLL_CTL_ADD, fd, &want), 0);
    fails(EEXIST, U(epoll_ctl, level, EPOLL_CTL_ADD, fd, &want));
    want.events |= EPOLLET;
    assert_int_equal(U(epoll_ctl, edge, EPOLL_CTL_ADD, fd, &want), 0);
    assert_int_equal(U(epoll_wait, level, &found, 1, 0), 0);
    data(1, "x");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(U(epoll_wait, level, &found, 1, 0), 1);
        assert_int_equal(found.events, EPOLLIN);
        assert_int_equal(found.data.u32, 77);
        assert_int_equal(U(epoll_wait, edge, &found, 1, 0), i == 0);
    }
    assert_int_equal(U(epoll_ctl, level, EPOLL_CTL_DEL, fd, NULL), 0);
    fails(ENOENT, U(epoll_ctl, level, EPOLL_CTL_DEL, fd, NULL));
}

static void poll_waits_in_virtual_time(void **state)
{
    int fd = accepted(listening());
    struct pollfd p = {.fd = fd, .events = POLLIN};
    long long start = now_us();

    assert_int_equal(U(poll, &p, 1, 3000), 0);
    assert_in_range(now_us() - start, 3000000, 3000010);
    p.fd = 250;
    assert_int_equal(U(poll, &p, 1, 0), 1);
    assert_int_equal(p.revents, POLLNVAL);
}

static void linger_zero_and_unread_bytes_end_with_a_reset(void **state)
{
    struct linger l = {1, 0};
    int listener = listening(), fd = accepted(listener);

    assert_int_equal(U(setsockopt, fd, SOL_SOCKET, SO_LINGER, &l, sizeof l), 0);
    assert_int_equal(U(close, fd), 0);
    expect(TH_ACK | TH_RST, 1, 0);
    fd = accepted(listener);
    data(1, "unread");
    assert_int_equal(U(close, fd), 0);
    do
        assert_true(take());
    while (!(last.tcp.flags & TH_RST));
}

/* TCP_NODELAY and SO_KEEPALIVE reach a connection that exists. */
static void options_reach_an_open_connection(void **state)
{
    int fd = accepted(listening());
    long long start;

    assert_int_equal(U(write, fd, "a", 1), 1);
    assert_int_equal(U(write, fd, "b", 1), 1);
    expect(TH_ACK, 1, 1);
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* what Nagle held back goes */
    start = now_us();
    expect(TH_ACK, 2, 1);
    assert_in_range(last_at_us - start + 10, 0, 20);
    peer((struct th_tcp){.flags = TH_ACK, .seq = PEER_ISS + 1, .ack = iss + 3, .wnd = 1000});
    start = now_us();
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 20);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    assert_int_equal(number(fd, IPPROTO_TCP, TCP_KEEPIDLE), 20);
    expect(TH_ACK, 2, 0); /* the probe's number is one below the next */
    assert_in_range(last_at_us - start, 19900000, 20100000);
}

static void buffers_bound_what_is_written_and_told(void **state)
{
    static char bytes[100000];
    int listener, fd = new_socket(0);
    struct sockaddr_storage sa;
    socklen_t len = address(&sa, here(), LPORT);

    set(fd, SOL_SOCKET, SO_SNDBUF, 20000);
    set(fd, SOL_SOCKET, SO_RCVBUF, 8000);
    assert_int_equal(number(fd, SOL_SOCKET, SO_SNDBUF), 40000); /* twice, as Linux tells it */
    assert_int_equal(U(bind, fd, (struct sockaddr *)&sa, len), 0);
    assert_int_equal(U(listen, fd, 8), 0);
    assert_int_equal(U(fcntl, fd, F_SETFL, O_NONBLOCK), 0);
    lport = LPORT;
    listener = fd;
    fd = accepted(listener);
    assert_int_equal(last.tcp.wnd, 8000);
    assert_int_equal(U(send, fd, bytes, sizeof bytes, MSG_DONTWAIT), 20000);
    fails(EAGAIN, U(send, fd, bytes, 1, MSG_DONTWAIT));
}

static void misuse_has_its_errno(void **state)
{
    struct sockaddr_storage sa;
    socklen_t len = address(&sa, th_ip(ip6 ? "2001:db8:9::9" : "198.19.9.9"), LPORT);
    int fd = new_socket(0), v = 1;
    char c;

    fails(EAFNOSUPPORT, U(socket, AF_UNIX, SOCK_STREAM, 0));
    fails(EPROTONOSUPPORT, U(socket, AF_INET, SOCK_DGRAM, 0));
    fails(EADDRNOTAVAIL, U(bind, fd, (struct sockaddr *)&sa, len));
    fails(EINVAL, U(listen, fd, 1));
    fails(ENOTCONN, U(read, fd, &c, 1));
    fails(EPIPE, U(write, fd, &c, 1));
    fails(ENOTCONN, U(shutdown, fd, SHUT_WR));
    fails(EBADF, U(close, 250));
    fails(ENOPROTOOPT, U(setsockopt, fd, SOL_SOCKET, 9999, &v, sizeof v));
    fails(EINVAL, U(setsockopt, fd, IPPROTO_TCP, TCP_NODELAY, &v, 1));
    fails(ENOENT, U(setsockopt, fd, IPPROTO_TCP, TCP_CONGESTION, "westwood", 8));
    assert_int_equal(U(setsockopt, fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
    fails(EINVAL, U(netdev_send, "x", 1));
    fails(ENOSYS, U(pipe, (int[2]){0}));
}

/* ---- running: each over both families ---- */
static int begin4(void **state)
{
    ip6 = false;
    init("", &pd);
    return 0;
}

static int begin6(void **state)
{
    init("mtu=1500", &pd);
    ip6 = true;
    return 0;
}

static int end(void **state)
{
    pd.free(pd.userdata);
    return 0;
}

#define BOTH(fn)                                                                                                       \
    {#fn "-ip4", fn, begin4, end, NULL}, { #fn "-ip6", fn, begin6, end, NULL }

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        BOTH(passive_open_bytes_both_ways_and_close),
        BOTH(vectors_are_one_stream),
        BOTH(tcp_info_is_in_linux_layout),
        BOTH(loss_shows_in_tcp_info),
        BOTH(active_open),
        BOTH(refused_connection_tells_its_error_once),
        BOTH(reset_connection_reads_as_reset),
        BOTH(time_is_virtual),
        BOTH(silence_is_an_empty_packet),
        BOTH(blocked_call_ends_when_its_packet_came),
        BOTH(epoll_level_and_edge),
        BOTH(poll_waits_in_virtual_time),
        BOTH(linger_zero_and_unread_bytes_end_with_a_reset),
        BOTH(options_reach_an_open_connection),
        BOTH(buffers_bound_what_is_written_and_told),
        BOTH(misuse_has_its_errno),
    };
    void *so = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;

    if (!so) {
        fprintf(stderr, "%s\n", argc > 1 ? dlerror() : "usage: packetdrill_adapter_test SHARED_OBJECT");
        return 2;
    }
    *(void **)&init = dlsym(so, "packetdrill_interface_init");
    return init ? cmocka_run_group_tests(tests, NULL, NULL) : 2;
}
