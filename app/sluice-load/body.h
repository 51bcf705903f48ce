/* body: the bytes of requests' and answers' bodies: a sequence that repeats only after many bytes (a prime number of them), so that what is lost, doubled or swapped shows. */
#ifndef LOAD_BODY_H
#define LOAD_BODY_H

#include "base/base.h"

#define BODY_PERIOD 65521 /* the largest prime below 2^16 */

void body_init(void); /* once per process */
/* The bytes from `offset` on. */
void body_fill(uint8_t *out, uint64_t offset, uint32_t len);
bool body_check(const uint8_t *bytes, uint64_t offset, uint32_t len);
/* The sequence itself, to be read: at least BODY_PERIOD bytes from offset % BODY_PERIOD on. */
const uint8_t *body_at(uint64_t offset);

#endif
