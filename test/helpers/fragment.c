/* Packets cut into fragments. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "helpers/helpers.h"

#define IP6_FRAGMENT 44

/* The header of a fragment behind which n bytes follow; its length. */
static size_t put_ip4(uint8_t *out, const uint8_t *ip, uint32_t id, uint32_t off, uint32_t n, bool more)
{
    static const struct sl_ip none;
    size_t len = (ip[0] & 15u) * 4;

    memcpy(out, ip, len);
    sl_put_u16(out + 2, (uint16_t)(len + n));
    sl_put_u16(out + 4, (uint16_t)id);
    sl_put_u16(out + 6, (uint16_t)((more ? 0x2000u : 0) | off / 8));
    sl_put_u16(out + 10, 0);
    sl_put_u16(out + 10, th_l4_cksum(&none, &none, IPPROTO_ICMP, out, len)); /* the sum without a pseudo header */
    return len;
}

static size_t put_ip6(uint8_t *out, const uint8_t *ip, uint32_t id, uint32_t off, uint32_t n, bool more)
{
    memcpy(out, ip, 40);
    sl_put_u16(out + 4, (uint16_t)(8 + n));
    out[6] = IP6_FRAGMENT;
    out[40] = ip[6];
    out[41] = 0;
    sl_put_u16(out + 42, (uint16_t)((off & 0xfff8) | more));
    sl_put_u32(out + 44, id);
    return 48;
}

size_t th_fragment(const uint8_t *frame, size_t len, uint32_t id, uint32_t off, uint32_t n, bool more, uint8_t *out,
                   size_t room)
{
    size_t l3 = frame[12] == 0x81 ? 18 : 14, at = l3, have;
    bool is4 = frame[l3] >> 4 == 4;
    size_t body = l3 + (is4 ? (frame[l3] & 15u) * 4u : 40);

    if (body + 8 + n > room) {
        fprintf(stderr, "fragment of more than %zu bytes\n", room);
        abort();
    }
    memcpy(out, frame, l3);
    at += (is4 ? put_ip4 : put_ip6)(out + l3, frame + l3, id, off, n, more);
    have = body + off < len ? SL_MIN(len - body - off, (size_t)n) : 0;
    memcpy(out + at, frame + body + off, have);
    memset(out + at + have, 0, n - have);
    return at + n;
}
