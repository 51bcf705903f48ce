/* A worker's operations that wait for company: a list per kind, and what idle time has made for later. */
#include <errno.h>
#include <stdlib.h>

#include "crypto/op.h"

#define STOCK_MAX 64           /* a burst of new connections */
#define PASSED_OVER_MAX 16     /* flushes after which a kind that cheaper ones keep from its turn goes first */
#define WAITING (-EINPROGRESS) /* an operation's status while it is in a list of those that wait */

struct ephemeral {
    uint8_t scalar[SL_OP_SCALAR_MAX_BYTES], point[SL_OP_POINT_MAX_BYTES];
};

/* Made in idle time, and only of kinds that somebody has asked for. What is taken out is erased here. */
struct stock {
    uint32_t n;
    bool wanted;
    union {
        struct ephemeral ephemeral[STOCK_MAX]; /* *_GENERATE */
        struct sl_op_nonce nonce[STOCK_MAX];   /* *_SIGN */
    };
};

static const enum sl_op_kind stocked[] = {SL_OP_X25519_GENERATE, SL_OP_P256_GENERATE, SL_OP_P384_GENERATE,
                                          SL_OP_P256_SIGN, SL_OP_P384_SIGN};

struct sl_op_queue {
    struct sl_list waiting[SL_OP_KIND_COUNT];
    uint32_t n[SL_OP_KIND_COUNT];
    uint32_t passed_over[SL_OP_KIND_COUNT]; /* flushes in a row that ended before it had its turn */
    uint8_t order[SL_OP_KIND_COUNT];        /* kinds, the cheapest first */
    struct sl_list done;
    struct stock stock[SL_ARRAY_LEN(stocked)];
};

static struct stock *stock_of(struct sl_op_queue *q, enum sl_op_kind kind)
{
    for (size_t i = 0; i < SL_ARRAY_LEN(stocked); i++)
        if (stocked[i] == kind)
            return &q->stock[i];
    return NULL;
}

static void sort(struct sl_op_queue *q)
{
    for (unsigned kind = 0; kind < SL_OP_KIND_COUNT; kind++) {
        unsigned at = kind;

        for (; at > 0 && sl_op_price_ns(q->order[at - 1]) > sl_op_price_ns((enum sl_op_kind)kind); at--)
            q->order[at] = q->order[at - 1];
        q->order[at] = (uint8_t)kind;
    }
}

struct sl_op_queue *sl_op_queue_create(void)
{
    struct sl_op_queue *q = calloc(1, sizeof *q);

    if (!q)
        return NULL;
    for (unsigned kind = 0; kind < SL_OP_KIND_COUNT; kind++)
        sl_list_init(&q->waiting[kind]);
    sl_list_init(&q->done);
    sort(q);
    return q;
}

void sl_op_queue_destroy(struct sl_op_queue *q)
{
    if (!q)
        return;
    sl_crypto_wipe(q->stock, sizeof q->stock);
    free(q);
}

/* Signs with nonces of the stock when there are enough of them; false: there are not. */
static bool run_from_stock(struct sl_op_queue *q, enum sl_op_kind kind, struct sl_op **ops, uint32_t n, uint64_t *cost)
{
    struct stock *stock = stock_of(q, kind);

    if (sl_op_shape[kind].verb != SL_OP_SIGN || stock->n < n)
        return false;
    stock->n -= n;
    sl_op_nonces(kind)->sign(ops, &stock->nonce[stock->n], n);
    *cost = sl_op_nonces(kind)->sign_price_ns;
    return true;
}

/* Computes a batch of what waits; what it cost. */
static uint64_t run(struct sl_op_queue *q, enum sl_op_kind kind)
{
    struct sl_op *ops[SL_OP_BATCH];
    uint32_t n = SL_MIN(q->n[kind], SL_OP_BATCH);
    uint64_t cost;

    for (uint32_t i = 0; i < n; i++)
        ops[i] = sl_container_of(sl_list_pop_front(&q->waiting[kind]), struct sl_op, link);
    q->n[kind] -= n;
    if (!run_from_stock(q, kind, ops, n, &cost))
        cost = sl_op_run(kind, ops, n);
    for (uint32_t i = 0; i < n; i++)
        sl_list_push_back(&q->done, &ops[i]->link);
    return cost;
}

uint64_t sl_op_submit(struct sl_op_queue *q, struct sl_op *op)
{
    struct stock *stock = stock_of(q, op->kind);

    if (stock)
        stock->wanted = true;
    op->status = WAITING;
    sl_list_push_back(&q->waiting[op->kind], &op->link);
    q->n[op->kind]++;
    /* Company gains nothing from a backend that computes one after the other: there the budget of flush decides. */
    if (q->n[op->kind] >= SL_OP_BATCH && sl_op_best(op->kind)->width > 1)
        return run(q, op->kind);
    return 0;
}

/* The kind whose turn it is: one that was passed over too often, or else the cheapest. COUNT: nothing waits. */
static enum sl_op_kind next_kind(const struct sl_op_queue *q)
{
    enum sl_op_kind first = SL_OP_KIND_COUNT;

    for (unsigned i = 0; i < SL_OP_KIND_COUNT; i++) {
        enum sl_op_kind kind = q->order[i];

        if (!q->n[kind])
            continue;
        if (q->passed_over[kind] >= PASSED_OVER_MAX)
            return kind;
        if (first == SL_OP_KIND_COUNT)
            first = kind;
    }
    return first;
}

uint64_t sl_op_flush(struct sl_op_queue *q, uint64_t budget_ns)
{
    uint64_t cost = 0;

    do {
        enum sl_op_kind kind = next_kind(q);

        if (kind == SL_OP_KIND_COUNT)
            break;
        cost += run(q, kind);
        q->passed_over[kind] = 0;
    } while (cost < budget_ns);
    for (unsigned kind = 0; kind < SL_OP_KIND_COUNT; kind++)
        q->passed_over[kind] = q->n[kind] ? q->passed_over[kind] + 1 : 0;
    return cost;
}

struct sl_op *sl_op_take(struct sl_op_queue *q)
{
    struct sl_list *node = sl_list_pop_front(&q->done);

    return node ? sl_container_of(node, struct sl_op, link) : NULL;
}

void sl_op_cancel(struct sl_op_queue *q, struct sl_op *op)
{
    if (op->status == WAITING)
        q->n[op->kind]--;
    op->status = -ECANCELED;
    sl_list_remove(&op->link);
}

bool sl_op_waiting(const struct sl_op_queue *q) { return next_kind(q) != SL_OP_KIND_COUNT; }

static size_t point_bytes(enum sl_op_kind kind)
{
    return sl_op_shape[kind].group == SL_OP_X25519 ? sl_op_shape[kind].bytes : 1 + 2 * (size_t)sl_op_shape[kind].bytes;
}

static void move_ephemeral(enum sl_op_kind kind, uint8_t *scalar, uint8_t *point, uint8_t *from_scalar,
                           uint8_t *from_point)
{
    memcpy(scalar, from_scalar, sl_op_shape[kind].bytes);
    memcpy(point, from_point, point_bytes(kind));
    sl_crypto_wipe(from_scalar, sl_op_shape[kind].bytes);
}

bool sl_op_ephemeral(struct sl_op_queue *q, enum sl_op_kind kind, uint8_t *scalar, uint8_t *point)
{
    struct stock *stock = stock_of(q, kind);
    struct ephemeral *e;

    stock->wanted = true;
    if (!stock->n)
        return false;
    e = &stock->ephemeral[--stock->n];
    move_ephemeral(kind, scalar, point, e->scalar, e->point);
    return true;
}

static uint64_t make_ephemerals(struct stock *stock, enum sl_op_kind kind)
{
    uint32_t n = sl_op_best(kind)->width; /* 1: no more at a time than the budget needs */
    struct sl_op op[SL_OP_BATCH], *ops[SL_OP_BATCH];
    uint64_t cost;

    for (uint32_t i = 0; i < n; i++) {
        op[i].kind = kind;
        ops[i] = &op[i];
    }
    cost = sl_op_run(kind, ops, n);
    for (uint32_t i = 0; i < n; i++) {
        struct ephemeral *e = &stock->ephemeral[stock->n];

        if (op[i].status == 0)
            stock->n++;
        move_ephemeral(kind, e->scalar, e->point, op[i].dh.scalar, op[i].dh.point);
    }
    return cost;
}

static uint64_t make_nonces(struct stock *stock, enum sl_op_kind kind)
{
    const struct sl_op_nonces *nonces = sl_op_nonces(kind);

    if (!nonces)
        return 0;
    if (nonces->make(&stock->nonce[stock->n]))
        stock->n += SL_OP_BATCH;
    return nonces->make_price_ns;
}

/* Makes a batch of the first kind that is wanted and not full; what it cost, 0: none is. */
static uint64_t restock(struct sl_op_queue *q)
{
    for (size_t i = 0; i < SL_ARRAY_LEN(stocked); i++) {
        struct stock *stock = &q->stock[i];
        uint64_t cost;

        if (!stock->wanted || stock->n + SL_OP_BATCH > STOCK_MAX)
            continue;
        cost = sl_op_shape[stocked[i]].verb == SL_OP_SIGN ? make_nonces(stock, stocked[i])
                                                          : make_ephemerals(stock, stocked[i]);
        if (cost)
            return cost;
    }
    return 0;
}

uint64_t sl_op_idle(struct sl_op_queue *q, uint64_t budget_ns)
{
    uint64_t cost = 0, more;

    while (cost < budget_ns && (more = restock(q)) > 0)
        cost += more;
    return cost;
}
