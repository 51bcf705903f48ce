/* What the bad link's programs and their loader agree on. Included by both, so it includes nothing but the kernel's types. */
#ifndef BAD_LINK_H
#define BAD_LINK_H

#include <linux/types.h>

enum bad_link_way { BAD_LINK_OUT, BAD_LINK_IN, BAD_LINK_WAYS }; /* as the device's owner sees it */

struct bad_link_conf { /* how many segments in a million meet each fate */
    __u32 lose_ppm, duplicate_ppm, corrupt_ppm, hold_ppm;
    __u32 hold_segs; /* a held segment is let go behind so many others */
};

enum bad_link_count {
    BAD_LINK_SEEN,
    BAD_LINK_LOST,
    BAD_LINK_DUPLICATED,
    BAD_LINK_CORRUPTED,
    BAD_LINK_LATE,   /* held, and let go since */
    BAD_LINK_LARGER, /* than a frame: an offload is on, and the figures mean nothing */
    BAD_LINK_COUNTS,
};

#endif
