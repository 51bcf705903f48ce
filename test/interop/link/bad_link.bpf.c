/* A bad link: programs for both ways of one device that lose, duplicate, corrupt and delay TCP segments. Everything else passes, neighbours' questions too.
 *
 * A program cannot keep a packet. So a held segment's bytes go to a map and the packet is dropped; once enough others have passed, one of them is
 * sent as a copy and then turned into the held one, which leaves behind it. When no others come, the held segment is as good as lost. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bad_link.h"

enum {
    OURS = 0x5bad,
    FRAME_MAX = 1514,
    ROOM = 2048,
    IP_AT = ETH_HLEN,
    IP4_BYTES = 20,
    IP6_BYTES = 40,
    TCP_BYTES = 20,
    TCP_CSUM_AT = 16
};
/* The sender of a packet that was shot would be told, and send it again at once: on a link nobody is told. */
enum { GONE = TC_ACT_STOLEN };

enum { FREE, BUSY, HELD };

struct held {
    __u32 state, bytes, protocol;
    __s32 others; /* that still pass before it */
    __u8 frame[ROOM];
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, BAD_LINK_WAYS);
    __type(key, __u32);
    __type(value, struct bad_link_conf);
} bad_link_conf SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, BAD_LINK_WAYS *BAD_LINK_COUNTS);
    __type(key, __u32);
    __type(value, __u64);
} bad_link_did SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, BAD_LINK_WAYS);
    __type(key, __u32);
    __type(value, struct held);
} bad_link_held SEC(".maps");

struct segment {
    __u32 tcp_at, payload_at;
};

static __always_inline void count(__u32 way, __u32 what)
{
    __u32 key = way * BAD_LINK_COUNTS + what;
    __u64 *n = bpf_map_lookup_elem(&bad_link_did, &key);

    if (n)
        ++*n;
}

static __always_inline int happens(__u32 ppm) { return ppm && bpf_get_prandom_u32() % 1000000 < ppm; }

static __always_inline int is_tcp(struct __sk_buff *skb, struct segment *s)
{
    __u8 byte;

    if (skb->protocol == bpf_htons(ETH_P_IP)) {
        if (bpf_skb_load_bytes(skb, IP_AT + 9, &byte, 1) || byte != IPPROTO_TCP ||
            bpf_skb_load_bytes(skb, IP_AT, &byte, 1))
            return 0;
        s->tcp_at = IP_AT + (byte & 15) * 4;
    } else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
        if (bpf_skb_load_bytes(skb, IP_AT + 6, &byte, 1) || byte != IPPROTO_TCP)
            return 0;
        s->tcp_at = IP_AT + IP6_BYTES;
    } else {
        return 0;
    }
    if (bpf_skb_load_bytes(skb, s->tcp_at + 12, &byte, 1))
        return 0;
    s->payload_at = s->tcp_at + (byte >> 4) * 4;
    return 1;
}

/* Flips a bit of the payload. On the way out the kernel has yet to fill in the checksum, from a sum in its place: that sum is changed so that the
 * checksum comes out as it would have without the flip. */
static __always_inline int corrupt(struct __sk_buff *skb, const struct segment *s, __u32 way)
{
    __u32 words = (skb->len - s->payload_at) / 2, at;
    __be16 was, is;

    if (skb->len < s->payload_at + 2)
        return 0;
    at = s->payload_at + bpf_get_prandom_u32() % words * 2;
    if (bpf_skb_load_bytes(skb, at, &was, 2))
        return 0;
    is = was ^ (__be16)(1 << (bpf_get_prandom_u32() & 15));
    if (bpf_skb_store_bytes(skb, at, &is, 2, 0))
        return 0;
    return way == BAD_LINK_IN || !bpf_l4_csum_replace(skb, s->tcp_at + TCP_CSUM_AT, is, was, BPF_F_PSEUDO_HDR | 2);
}

/* Sends a copy of the packet on its way. */
static __always_inline int copy(struct __sk_buff *skb, __u32 way)
{
    int failed;

    skb->mark = OURS;
    failed = bpf_clone_redirect(skb, skb->ifindex, way == BAD_LINK_IN ? BPF_F_INGRESS : 0) != 0;
    skb->mark = 0;
    return !failed;
}

static __always_inline int hold(struct __sk_buff *skb, struct held *h, __u32 others)
{
    __u32 bytes = skb->len;

    if (bytes == 0 || bytes > FRAME_MAX || __sync_val_compare_and_swap(&h->state, FREE, BUSY) != FREE)
        return 0;
    if (bpf_skb_load_bytes(skb, 0, h->frame, bytes)) {
        h->state = FREE;
        return 0;
    }
    h->bytes = bytes;
    h->protocol = skb->protocol;
    h->others = (__s32)others;
    __sync_val_compare_and_swap(&h->state, BUSY, HELD);
    return 1;
}

/* Whether the packet has become the held one; it went ahead as a copy. */
static __always_inline int let_go(struct __sk_buff *skb, struct held *h, __u32 way)
{
    __u32 bytes;
    int done = 0;

    if (h->state != HELD || h->protocol != skb->protocol || __sync_fetch_and_add(&h->others, -1) > 1 ||
        __sync_val_compare_and_swap(&h->state, HELD, BUSY) != HELD)
        return 0;
    bytes = h->bytes;
    if (bytes > 0 && bytes <= FRAME_MAX && copy(skb, way))
        done =
            !bpf_skb_change_tail(skb, bytes, 0) && !bpf_skb_store_bytes(skb, 0, h->frame, bytes, BPF_F_INVALIDATE_HASH);
    __sync_val_compare_and_swap(&h->state, BUSY, FREE);
    return done;
}

static __always_inline int pass(struct __sk_buff *skb, __u32 way)
{
    struct bad_link_conf *conf = bpf_map_lookup_elem(&bad_link_conf, &way);
    struct held *h = bpf_map_lookup_elem(&bad_link_held, &way);
    struct segment s;

    if (skb->mark == OURS) {
        skb->mark = 0;
        return TC_ACT_OK;
    }
    if (!conf || !h || !is_tcp(skb, &s))
        return TC_ACT_OK;
    count(way, BAD_LINK_SEEN);
    if (skb->len > FRAME_MAX)
        count(way, BAD_LINK_LARGER);
    if (happens(conf->lose_ppm)) {
        count(way, BAD_LINK_LOST);
        return GONE;
    }
    if (happens(conf->corrupt_ppm) && corrupt(skb, &s, way))
        count(way, BAD_LINK_CORRUPTED);
    if (happens(conf->duplicate_ppm) && copy(skb, way))
        count(way, BAD_LINK_DUPLICATED);
    if (happens(conf->hold_ppm) && hold(skb, h, conf->hold_segs))
        return GONE;
    if (let_go(skb, h, way))
        count(way, BAD_LINK_LATE);
    return TC_ACT_OK;
}

SEC("tc")
int bad_link_out(struct __sk_buff *skb) { return pass(skb, BAD_LINK_OUT); }

SEC("tc")
int bad_link_in(struct __sk_buff *skb) { return pass(skb, BAD_LINK_IN); }

char bad_link_license[] SEC("license") = "Dual BSD/GPL";
