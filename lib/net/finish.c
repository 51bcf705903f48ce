/* Checksums by software, for devices that can't. */
#include "net/internal.h"

void sl_net_finish(struct rte_mbuf *m)
{
    uint16_t ck;
    uint32_t l4 = (uint32_t)m->l2_len + m->l3_len;

    if (m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) {
        uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, m->l2_len);

        memset(ip + 10, 0, 2);
        ck = sl_cksum_fold(sl_cksum_add(0, ip, m->l3_len));
        memcpy(ip + 10, &ck, 2);
    }
    if ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM) {
        /* The field holds the pseudo header's sum, as devices want it, so that it takes part in the sum and need not be cleared. */
        ck = sl_cksum_fold(net_sum(m, l4, m->pkt_len - l4));
        memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, l4 + 16), &ck, 2);
    }
    m->ol_flags &= ~(RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK);
}
