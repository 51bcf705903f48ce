/* Large tables as address space: the machine gives memory page by page when it is first touched, in large pages where it
 * has them, so that an access at random costs one miss and not two. */
#define _GNU_SOURCE
#include <sys/mman.h>

#include "base/base.h"

#define LARGE_BYTES (4u << 20) /* from here on large pages are asked for: two of them at least */

void *sl_pages_map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED)
        return NULL;
    if (bytes >= LARGE_BYTES)
        (void)madvise(p, bytes, MADV_HUGEPAGE); /* a wish */
    return p;
}

void sl_pages_unmap(void *p, size_t bytes)
{
    if (p)
        munmap(p, bytes);
}
