/* mbuf chains: sums over them and cutting at both ends. */
#include "net/internal.h"

uint64_t net_sum(const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
    uint64_t sum = 0;
    uint32_t done = 0;

    for (; m && off >= m->data_len; m = m->next)
        off -= m->data_len;
    for (; m && done < len; m = m->next, off = 0) {
        uint32_t n = SL_MIN(len - done, (uint32_t)m->data_len - off);
        uint64_t piece = sl_cksum_add(0, rte_pktmbuf_mtod_offset(m, const uint8_t *, off), n);

        sum += done % 2 ? sl_cksum_odd(piece) : piece; /* of at most 64 KiB, a piece stays under 2^55 */
        done += n;
    }
    return sum;
}

/* RFC 9293 3.1, RFC 8200 8.1. The twelve bytes before a mapped IPv4 address sum to 0xffff, which is nothing in ones' complement: one routine serves both. */
uint64_t net_pseudo_sum(const struct sl_ip *src, const struct sl_ip *dst, uint8_t proto, uint32_t len)
{
    uint8_t tail[8];

    sl_put_u32(tail, len);
    sl_put_u32(tail + 4, proto);
    return sl_cksum_add(sl_cksum_add(sl_cksum_add(0, src->b, 16), dst->b, 16), tail, sizeof tail);
}

struct rte_mbuf *net_cut_front(struct rte_mbuf *m, uint32_t n)
{
    while (n >= m->data_len && m->next) {
        struct rte_mbuf *next = m->next;

        n -= m->data_len;
        next->pkt_len = m->pkt_len - m->data_len;
        next->nb_segs = (uint16_t)(m->nb_segs - 1);
        m->next = NULL;
        m->nb_segs = 1;
        rte_pktmbuf_free_seg(m);
        m = next;
    }
    m->data_off = (uint16_t)(m->data_off + n);
    m->data_len = (uint16_t)(m->data_len - n);
    m->pkt_len -= n;
    return m;
}

bool net_same_bytes(const struct rte_mbuf *a, uint32_t a_off, const struct rte_mbuf *b, uint32_t b_off, uint32_t len)
{
    uint8_t a_store[256], b_store[256];

    for (uint32_t n; len > 0; len -= n, a_off += n, b_off += n) {
        const void *x, *y;

        n = SL_MIN(len, (uint32_t)sizeof a_store);
        x = rte_pktmbuf_read(a, a_off, n, a_store);
        y = rte_pktmbuf_read(b, b_off, n, b_store);
        if (!x || !y || memcmp(x, y, n) != 0)
            return false;
    }
    return true;
}

void net_cut_back(struct rte_mbuf *m, uint32_t len)
{
    struct rte_mbuf *s = m;
    uint32_t left = len;
    uint16_t segs = 1;

    if (len >= m->pkt_len)
        return;
    for (; left > s->data_len; s = s->next, segs++)
        left -= s->data_len;
    s->data_len = (uint16_t)left;
    rte_pktmbuf_free(s->next);
    s->next = NULL;
    m->nb_segs = segs;
    m->pkt_len = len;
}
