/* The load generator's own client of TLS 1.3: a handshake's life and its steps. */
#include "engine_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "tls/keys.h"

#define GROUP_X25519 0x001d

bool load_engine_fail(struct sl_engine *e, enum sl_tls_fail why, uint8_t alert)
{
    if (e->state == LOAD_TICKET) /* application data's keys, which nobody has needed yet */
        sl_keys_derive(&e->tx, e->suite->sha384, e->suite->aead);
    e->failure = (struct sl_tls_failure){.why = why};
    if (alert && load_say_alert(e, alert))
        e->failure.alert_sent = alert;
    e->state = LOAD_FAILED;
    e->wants = SL_ENGINE_FAILED;
    return false;
}

/* ---- steps: true goes on with the next one, false is up to e->wants ---- */

static bool wants(struct sl_engine *e, enum sl_engine_step step)
{
    e->wants = (uint8_t)step;
    return false;
}

static bool compute(struct sl_engine *e, enum sl_op_kind kind, enum load_state next)
{
    e->op.kind = kind;
    e->state = (uint8_t)next;
    return wants(e, SL_ENGINE_WANT_OPERATION);
}

/* Our half: one that has served others and may serve more, one made in idle time, or a new one. */
static bool begin(struct sl_engine *e)
{
    struct sl_engine_policy *p = e->policy;

    e->state = LOAD_HELLO;
    if (p->share.uses) {
        p->share.uses--;
        memcpy(e->op.dh.scalar, p->share.scalar, sizeof e->op.dh.scalar);
        memcpy(e->op.dh.point, p->share.point, sizeof e->op.dh.point);
        return true;
    }
    if (!sl_op_ephemeral(p->app.shared->ops, SL_OP_X25519_GENERATE, e->op.dh.scalar, e->op.dh.point))
        return compute(e, SL_OP_X25519_GENERATE, LOAD_SHARED);
    e->state = LOAD_SHARED;
    return true;
}

/* Several may have been made at a time: the others serve once. */
static bool shared(struct sl_engine *e)
{
    struct sl_engine_policy *p = e->policy;

    if (!p->share.uses && p->conf.share_uses > 1) {
        memcpy(p->share.scalar, e->op.dh.scalar, sizeof p->share.scalar);
        memcpy(p->share.point, e->op.dh.point, sizeof p->share.point);
        p->share.uses = p->conf.share_uses - 1;
    }
    e->state = LOAD_HELLO;
    return true;
}

static bool greet(struct sl_engine *e)
{
    if (!e->n_hello)
        load_hello_compose(e);
    if (!sl_wire_reserve(e->wire, e->n_hello))
        return wants(e, SL_ENGINE_WANT_ROOM);
    sl_wire_write(e->wire, e->hello, e->n_hello);
    e->state = LOAD_SERVER_HELLO;
    return true;
}

static bool agree(struct sl_engine *e) { return compute(e, SL_OP_X25519_AGREE, LOAD_AGREED); }

static bool agreed(struct sl_engine *e)
{
    if (e->op.status) /* RFC 8446 7.4.2 */
        return load_engine_fail(e, SL_TLS_FAIL_MESSAGE, SL_ALERT_ILLEGAL_PARAMETER);
    load_keys_handshake(e);
    e->sealed = e->opened = true;
    e->state = LOAD_EXTENSIONS;
    return true;
}

/* A handshake waits for a ticket when it is to be had and nobody has brought one yet. */
static bool answer(struct sl_engine *e)
{
    uint8_t tx[HASH_MAX_BYTES], rx[HASH_MAX_BYTES];
    bool wait = e->policy->conf.resume && !load_ticket_usable(e->policy);

    load_keys_application(e, tx, rx);
    if (!load_say_finished(e))
        return e->state == LOAD_FAILED ? false : wants(e, SL_ENGINE_WANT_ROOM);
    load_record_forget(e);
    memcpy(e->tx.secret, tx, sizeof tx);
    memcpy(e->rx.secret, rx, sizeof rx);
    e->tx.seq = e->rx.seq = 0;
    e->state = LOAD_DONE;
    if (wait) {
        load_keys_resumption(e);
        sl_keys_derive(&e->rx, e->suite->sha384, e->suite->aead);
        e->policy->ticket.len = 0;
        e->state = LOAD_TICKET;
    }
    return true;
}

static bool done(struct sl_engine *e) { return wants(e, SL_ENGINE_DONE); }

static bool failed(struct sl_engine *e) { return wants(e, SL_ENGINE_FAILED); }

static bool (*const acts[LOAD_STATES])(struct sl_engine *e) = {
    [LOAD_BEGIN] = begin,
    [LOAD_SHARED] = shared,
    [LOAD_HELLO] = greet,
    [LOAD_SERVER_HELLO] = load_flight_read,
    [LOAD_AGREE] = agree,
    [LOAD_AGREED] = agreed,
    [LOAD_EXTENSIONS] = load_flight_read,
    [LOAD_PEER] = load_flight_read,
    [LOAD_CERTIFICATE] = load_flight_read,
    [LOAD_VERIFY] = load_flight_read,
    [LOAD_FINISHED] = load_flight_read,
    [LOAD_ANSWER] = answer,
    [LOAD_TICKET] = load_flight_read,
    [LOAD_DONE] = done,
    [LOAD_FAILED] = failed,
};

static enum sl_engine_step step(struct sl_engine *e, struct sl_engine_report *report)
{
    while (acts[e->state](e))
        ;
    *report = (struct sl_engine_report){.failure = e->failure};
    if (e->wants == SL_ENGINE_WANT_OPERATION)
        report->op = &e->op;
    return (enum sl_engine_step)e->wants;
}

/* ---- a handshake ---- */

static struct sl_engine *create(struct sl_engine_policy *p, const struct sl_engine_start *start)
{
    struct sl_engine *e = p->spare;

    if (e)
        p->spare = e->next_spare;
    else
        e = malloc(sizeof *e);
    if (!e)
        return NULL;
    memset(e, 0, offsetof(struct sl_engine, log));
    e->policy = p;
    e->wire = start->wire;
    e->alpn = "";
    e->log.begun = false;
    sl_list_init(&e->op.link);
    e->op.key = NULL;
    e->n_name = (uint32_t)strnlen(start->name, sizeof e->name - 1);
    memcpy(e->name, start->name, e->n_name);
    return e;
}

/* What is secret is erased; the rest is left for the next one. */
static void destroy(struct sl_engine *e)
{
    struct sl_engine_policy *p = e->policy;

    load_record_forget(e);
    sl_crypto_wipe(&e->log, offsetof(struct sl_engine, op) - offsetof(struct sl_engine, log));
    sl_crypto_wipe(&e->op.dh, sizeof e->op.dh);
    e->next_spare = p->spare;
    p->spare = e;
}

static void facts(const struct sl_engine *e, struct sl_engine_facts *out)
{
    *out = (struct sl_engine_facts){.version = "TLSv1.3",
                                    .version_ctr = SL_CTR_TLS_VERSION_13,
                                    .suite = sl_engine_suite(e->suite->id),
                                    .alpn = e->alpn,
                                    .resumed = e->resumed,
                                    .identity = ""};
}

static bool finish(struct sl_engine *e, struct sl_tls_secrets *out)
{
    *out = (struct sl_tls_secrets){
        .v13 = true, .sha384 = e->suite->sha384, .aead = e->suite->aead, .tx = e->tx, .rx = e->rx};
    return true;
}

/* ---- policy ---- */

static int check(const struct sl_engine_policy_conf *app, struct sl_err *err)
{
    const uint16_t *group = app->settings->groups;

    while (*group && *group != GROUP_X25519)
        group++;
    if (app->role != SL_ENGINE_CLIENT)
        return sl_err_set(err, -EINVAL, "the load generator's own engine is a client");
    if (app->trust)
        return sl_err_set(err, -EINVAL, "the load generator's own client checks no certificates");
    if (!*group)
        return sl_err_set(err, -EINVAL, "the load generator's own client needs the group X25519");
    return 0;
}

static struct sl_engine_policy *policy_create(const struct sl_engine_policy_conf *app, struct sl_err *err)
{
    struct sl_engine_policy *p;

    if (check(app, err) < 0)
        return NULL;
    p = aligned_alloc(_Alignof(struct sl_engine_policy), sizeof *p);
    if (!p) {
        sl_err_set(err, -ENOMEM, "out of memory");
        return NULL;
    }
    memset(p, 0, sizeof *p);
    p->app = *app;
    if (app->extra)
        p->conf = *(const struct load_engine_conf *)app->extra;
    if (load_hello_template(&p->hello, app, err) < 0) {
        free(p);
        return NULL;
    }
    load_keys_policy(p);
    return p;
}

static void policy_destroy(struct sl_engine_policy *p)
{
    while (p->spare) {
        struct sl_engine *e = p->spare;

        p->spare = e->next_spare;
        free(e);
    }
    sl_crypto_wipe(p, sizeof *p);
    free(p);
}

const struct sl_engine_ops load_engine = {
    .name = "lean",
    .policy_create = policy_create,
    .policy_destroy = policy_destroy,
    .create = create,
    .step = step,
    .facts = facts,
    .finish = finish,
    .destroy = destroy,
};
