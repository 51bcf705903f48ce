/* A small grammar of packets: a few bytes say what, from whom, to whom and in which pieces, and lengths and checksums are right unless lies are told. So mutations reach
 * what stands behind those checks. */
#ifndef NET_BUILD_H
#define NET_BUILD_H

#include "helpers/helpers.h"

#define BUILD_DATA_MAX 4000
#define BUILD_FRAME_MAX (BUILD_DATA_MAX + 600)
#define BUILD_EXTRA_MAX 255
#define BUILD_LIES_MAX 8
#define BUILD_PIECES_MAX 8

enum build_what {
    BUILD_TCP,
    BUILD_UDP,
    BUILD_GRE,
    BUILD_PING,
    BUILD_TOO_BIG, /* errors quote a segment of ours; lies change the quote too */
    BUILD_UNREACHABLE,
    BUILD_TIME_EXCEEDED,
    BUILD_SOLICIT,
    BUILD_ADVERT,
    BUILD_ROUTER_ADVERT,
    BUILD_MLD,
    BUILD_ARP_REQUEST,
    BUILD_ARP_REPLY,
    BUILD_PING_REPLY,
    BUILD_WHATS
};
/* As a destination, the first is us: nothing else is of interest. */
enum build_who {
    BUILD_PEER,
    BUILD_GATEWAY,
    BUILD_FAR,
    BUILD_US,
    BUILD_GROUP,
    BUILD_BROADCAST,
    BUILD_NONE,
    BUILD_OTHER,
    BUILD_WHOS
};
enum build_eth {
    BUILD_TO_US,
    BUILD_TO_ALL,
    BUILD_TO_OTHER,
    BUILD_FROM_GROUP,
    BUILD_WRONG_TAG,
    BUILD_WRONG_TYPE,
    BUILD_ETHS
};
enum build_vary { BUILD_SAME, BUILD_SOURCE, BUILD_ID, BUILD_OFFSET, BUILD_VARIES };

struct build_lie {
    uint16_t at;
    uint8_t bits; /* xor */
};

struct build_piece {
    uint8_t id;
    uint16_t off; /* in bytes */
    uint16_t len;
    bool more;
    uint8_t ecn;
};

/* One step of the input. The flags stand before it. */
struct build {
    bool back, ip6, mend; /* mend: checksums are made right after the lies */
    uint8_t what, src, dst, eth, vary, repeat, first;
    uint16_t trim; /* bytes cut off the end of the frame */
    uint16_t size; /* of the data */
    uint8_t n_extra, n_lies, n_pieces;
    uint8_t extra[BUILD_EXTRA_MAX]; /* IPv4 options, IPv6 extension headers of which the first is `first` */
    struct build_lie lies[BUILD_LIES_MAX];
    struct build_piece pieces[BUILD_PIECES_MAX]; /* none: the packet comes in one */
};

/* Missing bytes are zeroes. */
void build_read(struct sl_cursor *c, struct build *b);
/* The same way back; the length of what is written behind the flags. */
size_t build_write(const struct build *b, uint8_t *out);
/* The packet that comes in the nth repetition, whole; its length. */
size_t build_frame(const struct build *b, uint32_t nth, uint8_t out[BUILD_FRAME_MAX]);
/* Piece k of it. */
size_t build_piece(const struct build *b, uint32_t k, uint32_t nth, const uint8_t *frame, size_t len,
                   uint8_t out[BUILD_FRAME_MAX]);
/* Makes IPv4's header checksum and that of TCP or ICMP right, as far as the lengths allow. */
void build_mend(uint8_t *ip, size_t len);

#endif
