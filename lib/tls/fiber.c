/* Fibers: pools, and the passage from one stack to another. Each lies in one mapping: guard page, stack, guard page,
 * arena. Pages are touched as they are needed. */
#define _GNU_SOURCE
#include "tls/fiber.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define HAVE_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#define HAVE_TSAN 1
#endif

#define GUARD_BYTES 4096u
#define MAP_BYTES (2 * GUARD_BYTES + SL_FIBER_STACK_BYTES + SL_FIBER_ARENA_BYTES)
#define PEAK_STEP 512u /* how exactly a stack's use is known */
#define PEAK_GAP 8192u

struct sl_fiber {
    struct sl_list link; /* in the pool's list of free ones */
    struct sl_fiber_pool *pool;
    void (*fn)(void *object);
    void *object;
    void *sp;          /* where it parked (x86-64) */
    ucontext_t *plain; /* where it parked (plain) */
    uint8_t *map;
    bool over;
    struct sl_arena arena;
    void *tsan, *fake_stack;
};

struct sl_fiber_pool {
    struct sl_list free;
    enum sl_fiber_switch how;
    uint32_t max;
    struct sl_fiber_use use;
};

/* Who resumes, and which fiber runs. */
static _Thread_local struct {
    struct sl_fiber *running;
    void *sp;
    ucontext_t *plain;
    const void *stack; /* of who resumes */
    size_t stack_bytes;
    void *tsan;
} here;

void sl_fiber_swap(void **save, void *to);

static uint8_t *stack_of(const struct sl_fiber *f) { return f->map + GUARD_BYTES; }

/* ---- what sanitizers must be told ---- */

/* Whatever a fiber is left through: ThreadSanitizer counts calls and returns by fiber, so none may begin on one and end
 * on another. */
#define INLINED __attribute__((always_inline)) static inline

INLINED void tell_leaving(void **fake, const void *stack, size_t bytes, void *tsan)
{
    (void)fake, (void)stack, (void)bytes, (void)tsan;
#ifdef HAVE_ASAN
    __sanitizer_start_switch_fiber(fake, stack, bytes);
#endif
#ifdef HAVE_TSAN
    __tsan_switch_to_fiber(tsan, 0);
#endif
}

static void tell_arrived(void *fake, const void **stack, size_t *bytes)
{
    (void)fake, (void)stack, (void)bytes;
#ifdef HAVE_ASAN
    __sanitizer_finish_switch_fiber(fake, stack, bytes);
#endif
}

/* Frames that were never returned from have left their red zones behind. */
static void tell_forgotten(struct sl_fiber *f)
{
    (void)f;
#ifdef HAVE_ASAN
    ASAN_UNPOISON_MEMORY_REGION(stack_of(f), SL_FIBER_STACK_BYTES);
#endif
}

/* ---- the passage ---- */

INLINED void swap_in(struct sl_fiber *f)
{
    if (f->plain) {
        ucontext_t me;

        here.plain = &me;
        swapcontext(&me, f->plain);
        here.plain = NULL;
        return;
    }
#if defined(__x86_64__)
    sl_fiber_swap(&here.sp, f->sp);
#endif
}

INLINED void swap_out(struct sl_fiber *f)
{
    if (f->plain) {
        swapcontext(f->plain, here.plain);
        return;
    }
#if defined(__x86_64__)
    sl_fiber_swap(&f->sp, here.sp);
#endif
}

/* The first thing that runs on a fiber's stack; it never returns. */
static void begin(void)
{
    struct sl_fiber *f = here.running;

    tell_arrived(NULL, &here.stack, &here.stack_bytes);
    f->fn(f->object);
    f->over = true;
    tell_leaving(NULL, here.stack, here.stack_bytes, here.tsan);
    swap_out(f);
    abort();
}

/* So that the first swap "returns" to begin, with the stack as after a call, and zeros in the registers. */
static void prepare(struct sl_fiber *f)
{
    if (f->plain) {
        getcontext(f->plain);
        f->plain->uc_stack.ss_sp = stack_of(f);
        f->plain->uc_stack.ss_size = SL_FIBER_STACK_BYTES;
        f->plain->uc_link = NULL;
        makecontext(f->plain, begin, 0);
    } else {
        void **top = (void **)(stack_of(f) + SL_FIBER_STACK_BYTES);

        memset(top - 8, 0, 8 * sizeof *top);
        top[-2] = (void *)(uintptr_t)begin; /* top[-1], 0, is where begin would return to */
        f->sp = &top[-8];
    }
}

bool sl_fiber_resume(struct sl_fiber *f)
{
    struct sl_arena *before = sl_crypto_use_arena(&f->arena);
    void *fake = NULL;

    assert(!here.running && !f->over);
    here.running = f;
#ifdef HAVE_TSAN
    here.tsan = __tsan_get_current_fiber();
#endif
    tell_leaving(&fake, stack_of(f), SL_FIBER_STACK_BYTES, f->tsan);
    swap_in(f);
    tell_arrived(fake, NULL, NULL);
    here.running = NULL;
    sl_crypto_use_arena(before);
    return f->over;
}

void sl_fiber_park(void)
{
    struct sl_fiber *f = here.running;

    tell_leaving(&f->fake_stack, here.stack, here.stack_bytes, here.tsan);
    swap_out(f);
    tell_arrived(f->fake_stack, &here.stack, &here.stack_bytes);
}

void *sl_fiber_self(void) { return here.running ? here.running->object : NULL; }

void *sl_fiber_object(struct sl_fiber *f) { return f->object; }

/* ---- pools ---- */

struct sl_fiber_pool *sl_fiber_pool_create(uint32_t max, enum sl_fiber_switch how)
{
    struct sl_fiber_pool *pool = calloc(1, sizeof *pool);

    if (!pool)
        return NULL;
    sl_list_init(&pool->free);
    pool->max = max;
    pool->how = how;
#if !defined(__x86_64__)
    pool->how = SL_FIBER_SWITCH_PLAIN;
#endif
    return pool;
}

void sl_fiber_pool_limit(struct sl_fiber_pool *pool, uint32_t max) { pool->max = max; }

static void unmake(struct sl_fiber *f)
{
    if (f->arena.base)
        sl_arena_done(&f->arena);
    if (f->map != MAP_FAILED)
        munmap(f->map, MAP_BYTES);
    free(f->plain);
    free(f);
}

static struct sl_fiber *make(struct sl_fiber_pool *pool)
{
    struct sl_fiber *f = pool->use.made < pool->max ? calloc(1, sizeof *f) : NULL;

    if (!f)
        return NULL;
    f->pool = pool;
    f->map = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pool->how == SL_FIBER_SWITCH_PLAIN)
        f->plain = calloc(1, sizeof *f->plain);
    if (f->map == MAP_FAILED || (pool->how == SL_FIBER_SWITCH_PLAIN && !f->plain) ||
        mprotect(f->map, GUARD_BYTES, PROT_NONE) != 0 ||
        mprotect(stack_of(f) + SL_FIBER_STACK_BYTES, GUARD_BYTES, PROT_NONE) != 0) {
        unmake(f);
        return NULL;
    }
    sl_arena_init(&f->arena, stack_of(f) + SL_FIBER_STACK_BYTES + GUARD_BYTES, SL_FIBER_ARENA_BYTES);
    pool->use.made++;
    return f;
}

void sl_fiber_pool_destroy(struct sl_fiber_pool *pool)
{
    if (!pool)
        return;
    assert(!pool->use.in_use);
    for (struct sl_list *node = pool->free.next, *next; node != &pool->free; node = next) {
        next = node->next;
        unmake(sl_container_of(node, struct sl_fiber, link));
    }
    free(pool);
}

struct sl_fiber *sl_fiber_create(struct sl_fiber_pool *pool, void (*fn)(void *object), uint32_t bytes)
{
    struct sl_list *node = sl_list_pop_front(&pool->free);
    struct sl_fiber *f = node ? sl_container_of(node, struct sl_fiber, link) : make(pool);

    if (!f)
        return NULL;
    sl_list_init(&f->link);
    f->fn = fn;
    f->object = sl_arena_alloc(&f->arena, bytes);
    f->over = false;
    f->fake_stack = NULL;
    pool->use.in_use++;
    prepare(f);
#ifdef HAVE_TSAN
    f->tsan = __tsan_create_fiber(0);
#endif
    return f;
}

/* Stacks are zero where nobody has been: looks further down from the deepest that is known, over gaps that a frame may
 * have left (an array that was not filled). */
static void note_stack_peak(struct sl_fiber *f)
{
    static const uint8_t zeros[PEAK_STEP];
    struct sl_fiber_use *use = &f->pool->use;
    const uint8_t *top = stack_of(f) + SL_FIBER_STACK_BYTES;

    for (uint32_t down = use->stack_peak_bytes + PEAK_STEP;
         down <= SL_MIN(use->stack_peak_bytes + PEAK_GAP, SL_FIBER_STACK_BYTES); down += PEAK_STEP)
        if (memcmp(top - down, zeros, PEAK_STEP) != 0)
            use->stack_peak_bytes = down;
}

/* The one that was used last is used next: its pages are warm. */
void sl_fiber_destroy(struct sl_fiber *f)
{
    struct sl_fiber_use *use = &f->pool->use;

    assert(here.running != f);
    tell_forgotten(f);
    note_stack_peak(f);
    sl_crypto_wipe(stack_of(f) + SL_FIBER_STACK_BYTES - use->stack_peak_bytes, use->stack_peak_bytes);
    use->arena_peak_bytes = SL_MAX(use->arena_peak_bytes, f->arena.peak_bytes);
    sl_arena_reset(&f->arena);
#ifdef HAVE_TSAN
    __tsan_destroy_fiber(f->tsan);
#endif
    use->in_use--;
    sl_list_push_front(&f->pool->free, &f->link);
}

void sl_fiber_pool_use(const struct sl_fiber_pool *pool, struct sl_fiber_use *out) { *out = pool->use; }
