/* The text of a segment in a script: parsed into a value whose numbers are still relative. */
#ifndef TH_SCRIPT_TEXT_H
#define TH_SCRIPT_TEXT_H

#include "helpers/helpers.h"

enum { /* which fields the text named */
       SEG_SEQ = 1 << 0,
       SEG_ACK = 1 << 1,
       SEG_WND = 1 << 2,
       SEG_WIN = 1 << 3,
       SEG_MSS = 1 << 4,
       SEG_WS = 1 << 5,
       SEG_SACKOK = 1 << 6,
       SEG_TS = 1 << 7,
       SEG_SACK = 1 << 8,
       SEG_NOTS = 1 << 9,
       SEG_NOSACK = 1 << 10,
       SEG_NOOPT = 1 << 11,
       SEG_OPT = 1 << 12,
       SEG_URG = 1 << 13,
       SEG_DOFF = 1 << 14,
       SEG_BADSUM = 1 << 15,
       SEG_FROM = 1 << 16,
       SEG_FILL = 1 << 17,
       SEG_SEQ_ABS = 1 << 18,
       SEG_ACK_ABS = 1 << 19,
       SEG_ECT = 1 << 20,
       SEG_CE = 1 << 21,
       SEG_NOECT = 1 << 22,
};

struct script_seg {
    uint32_t has; /* SEG_* */
    uint8_t flags;
    uint32_t seq, len, ack, win;
    uint16_t wnd, mss, urg, from;
    uint8_t ws, doff;
    uint32_t tsval, tsecr;
    uint32_t n_sacks, sacks[TH_SACKS_MAX][2];
    uint8_t opt[40];
    uint32_t opt_len;
};

/* NULL, or the word that is not understood. */
const char *script_seg_parse(const char *text, struct script_seg *seg);

#endif
