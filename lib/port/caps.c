/* What each device can do: what its driver reports, corrected by a table of what drivers don't tell. */
#include "port/internal.h"

struct quirk {
    const char *driver;
    uint16_t tx_segs; /* 0: as reported */
    bool no_indirect, no_foreign, own_umem;
};

static const struct quirk quirks[] = {
    /* Sends the first segment of a chain only; an attached mbuf from its memory gets a wrong offset; other pools are copied by the driver. */
    {.driver = "net_af_xdp", .tx_segs = 1, .no_indirect = true, .no_foreign = true, .own_umem = true},
};

static const uint64_t wanted_tx =
    RTE_ETH_TX_OFFLOAD_MULTI_SEGS | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
static const uint64_t wanted_rx =
    RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_RSS_HASH;

static uint16_t segments(const struct rte_eth_dev_info *info)
{
    uint16_t max = info->tx_desc_lim.nb_mtu_seg_max ? info->tx_desc_lim.nb_mtu_seg_max : info->tx_desc_lim.nb_seg_max;

    if (!(info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS))
        return 1;
    return max ? max : 8;
}

void port_caps_of(const char *driver, const struct rte_eth_dev_info *info, struct port_caps *caps)
{
    const uint64_t rss = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;
    const struct quirk *q = NULL;

    for (size_t i = 0; i < SL_ARRAY_LEN(quirks); i++)
        if (strcmp(driver, quirks[i].driver) == 0)
            q = &quirks[i];
    *caps = (struct port_caps){
        .tx_segs = q && q->tx_segs ? q->tx_segs : segments(info),
        .indirect = !(q && q->no_indirect),
        .foreign = !(q && q->no_foreign),
        .own_umem = q && q->own_umem,
        .tx_offloads = info->tx_offload_capa & wanted_tx,
        .rx_offloads = info->rx_offload_capa & wanted_rx,
        .tso = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_TCP_TSO,
        .rss =
            (info->flow_type_rss_offloads & rss) == rss && info->reta_size > 0 && info->reta_size <= SL_STEER_RETA_MAX,
        .queues_max = SL_MIN(SL_MIN(info->max_rx_queues, info->max_tx_queues), PORT_QUEUES_MAX),
    };
}

uint64_t port_caps_tx_flags(const struct port_caps *caps)
{
    uint64_t flags = 0;

    if (caps->tx_offloads & RTE_ETH_TX_OFFLOAD_IPV4_CKSUM)
        flags |= RTE_MBUF_F_TX_IP_CKSUM;
    if (caps->tx_offloads & RTE_ETH_TX_OFFLOAD_TCP_CKSUM)
        flags |= RTE_MBUF_F_TX_TCP_CKSUM;
    return flags;
}
