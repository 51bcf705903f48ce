/* names: which certificates cover a host name: exact names first, then a wildcard for the leftmost label (RFC
 * 6125 6.4.3). */
#ifndef SL_TLS_NAMES_H
#define SL_TLS_NAMES_H

#include "base/base.h"

struct sl_name {
    char *text;     /* lower case, no final dot; "*.example.com" stands as it is */
    uint32_t index; /* of the certificate */
    uint32_t rank;  /* among certificates of one name the lower rank is preferred */
};

struct sl_names {
    struct sl_name *v;
    uint32_t n, room;
    bool sorted;
};

/* Adds a name of certificate `index`; names that no host can have are left out. False: no memory. */
bool sl_names_add(struct sl_names *names, const char *text, size_t len, uint32_t index, uint32_t rank);
/* After the last add, before the first find. */
void sl_names_sort(struct sl_names *names);
/* The certificates that cover `host` (as sl_name_normalize leaves it): *n entries from the one returned on; NULL when
 * none does. */
const struct sl_name *sl_names_find(const struct sl_names *names, const char *host, uint32_t *n);
void sl_names_free(struct sl_names *names);

/* Writes the name in lower case, without a final dot; false (and "") when it is no host name that could stand in a
 * certificate: empty, too long, other bytes than letters, digits, '-', '_', '.' and a leading "*.". */
bool sl_name_normalize(const char *text, size_t len, char *out, size_t room);

#endif
