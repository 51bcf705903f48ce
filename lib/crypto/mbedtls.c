/* mbedTLS of one thread: a PSA of its own (its state is thread-local by our diff), an allocator that counts, a wall
 * clock that is told. */
#include <errno.h>
#include <mbedtls/platform.h>
#include <mbedtls/platform_time.h>
#include <mbedtls/ssl.h>
#include <psa/crypto.h>
#include <pthread.h>
#include <stdlib.h>

#include "crypto/crypto.h"

static _Thread_local struct sl_crypto_memory memory;
static _Thread_local struct sl_arena *arena;
static _Thread_local uint64_t wall;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Stands before every block. */
struct block {
    struct sl_arena *arena; /* where it comes from; NULL: the heap */
    size_t bytes;           /* with this header */
};
static_assert(sizeof(struct block) % 16 == 0, "blocks stay aligned for anything");

static void *give(size_t n, size_t size)
{
    struct block *b;
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes) || __builtin_add_overflow(bytes, sizeof *b, &bytes))
        return NULL;
    if (memory.limit_bytes && memory.now_bytes + (arena ? arena->live_bytes : 0) + bytes > memory.limit_bytes)
        return NULL;
    b = arena ? sl_arena_alloc(arena, bytes) : calloc(1, bytes);
    if (!b)
        return NULL;
    *b = (struct block){arena, bytes};
    if (!arena) {
        memory.now_bytes += bytes;
        memory.peak_bytes = SL_MAX(memory.peak_bytes, memory.now_bytes);
    }
    return b + 1;
}

static void take_back(void *p)
{
    struct block *b = p;

    if (!p)
        return;
    b--;
    if (b->arena) {
        sl_arena_free(b->arena, b, b->bytes);
    } else {
        memory.now_bytes -= b->bytes;
        free(b);
    }
}

void sl_crypto_untouched(void *block, size_t used)
{
    const struct block *b = (const struct block *)block - 1;
    size_t bytes = b->bytes - sizeof *b;

    if (b->arena && used < bytes)
        sl_arena_untouched(b->arena, (uint8_t *)block + used, (uint32_t)(bytes - used));
}

struct sl_arena *sl_crypto_use_arena(struct sl_arena *a)
{
    struct sl_arena *before = arena;

    arena = a;
    return before;
}

static mbedtls_time_t tell_wall(mbedtls_time_t *out)
{
    if (out)
        *out = (mbedtls_time_t)wall;
    return (mbedtls_time_t)wall;
}

mbedtls_ms_time_t mbedtls_ms_time(void) { return (mbedtls_ms_time_t)wall * 1000; }

static void set_hooks(void)
{
    mbedtls_platform_set_calloc_free(give, take_back);
    mbedtls_platform_set_time(tell_wall);
    (void)mbedtls_ssl_list_ciphersuites(); /* fills a table of the process on its first call */
}

int sl_crypto_thread_start(struct sl_err *err)
{
    psa_status_t status;

    pthread_once(&once, set_hooks); /* the hooks are the process's, what they count is the thread's */
    status = psa_crypto_init();
    if (status != PSA_SUCCESS)
        return sl_err_set(err, -EIO, "mbedTLS's PSA did not start: status %d", (int)status);
    return 0;
}

void sl_crypto_thread_stop(void) { mbedtls_psa_crypto_free(); }

struct sl_crypto_memory *sl_crypto_memory(void) { return &memory; }

void sl_crypto_set_wall(uint64_t wall_s) { wall = wall_s; }
