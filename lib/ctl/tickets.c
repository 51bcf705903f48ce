/* Keys of session tickets: read from files that machines share, or made here; rotated; given to workers. A key is next,
 * current, previous, and gone: whoever has last rotation's file still opens what this one seals, and the other way
 * round. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "ctl/internal.h"

#define OWN_ROTATION_NS (12 * 3600 * SL_NS_PER_S)

/* ---- files ---- */

static int read_file(const char *path, struct sl_ticket_set *set, struct sl_err *err)
{
    char text[SL_TICKET_TEXT_MAX * 4]; /* comments of a person's own */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text) : -1;
    int failed = n < 0 ? sl_err_set(err, -errno, "%s: can't be read: %s", path, strerror(errno)) : 0;
    enum sl_ticket_fault fault = SL_TICKET_FAULT_NONE;
    uint32_t line;

    if (fd >= 0)
        close(fd);
    if (!failed && n == (ssize_t)sizeof text)
        failed = sl_err_set(err, -EFBIG, "%s: larger than a file of ticket keys can be", path);
    if (!failed)
        fault = sl_ticket_set_parse(set, text, (size_t)n, &line);
    sl_crypto_wipe(text, sizeof text);
    return fault ? sl_err_set(err, -EINVAL, "%s: line %u: %s", path, line, sl_ticket_fault_text[fault]) : failed;
}

/* Writes all of it or nothing: a reader sees the old file or the new one. */
static int write_file(const char *path, const struct sl_ticket_set *set, struct sl_err *err)
{
    char text[SL_TICKET_TEXT_MAX], temporary[4200];
    size_t len = sl_ticket_set_format(set, text);
    int fd, failed = 0;

    if ((size_t)snprintf(temporary, sizeof temporary, "%s.new", path) >= sizeof temporary)
        return sl_err_set(err, -ENAMETOOLONG, "%s: the path is too long", path);
    (void)unlink(temporary); /* of an attempt that was cut short */
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        failed = -errno;
    else if (write(fd, text, len) != (ssize_t)len || fsync(fd))
        failed = errno ? -errno : -EIO;
    if (fd >= 0 && close(fd) && !failed)
        failed = -errno;
    if (!failed && rename(temporary, path))
        failed = -errno;
    if (failed && fd >= 0)
        (void)unlink(temporary);
    sl_crypto_wipe(text, sizeof text);
    return failed ? sl_err_set(err, failed, "%s: can't be written: %s", path, strerror(-failed)) : 0;
}

/* ---- the sets of the running configuration ---- */

static void forget(struct tickets *t)
{
    if (t->sets)
        sl_crypto_wipe(t->sets, t->n * sizeof *t->sets);
    free(t->sets);
    t->sets = NULL;
    t->n = 0;
}

/* Workers copy when they are asked; one that has not answered yet may still read. */
static int give(struct sl_ctl *ctl, const struct sl_conf *conf, struct sl_err *err)
{
    return ctl_ask_all(ctl, SL_MSG_TICKETS, conf, 0, err);
}

int ctl_tickets_apply(struct sl_ctl *ctl, struct sl_err *err)
{
    const struct sl_conf *conf = ctl_running(ctl);
    struct tickets *t = &ctl->tickets;

    if (!ctl_all_answered(ctl))
        return sl_err_set(err, -EBUSY, "a worker does not answer");
    forget(t);
    if (!t->own.has[SL_TICKET_CURRENT]) {
        sl_ticket_set_make(&t->own);
        t->own_until_ns = sl_port_now() + OWN_ROTATION_NS;
    }
    t->sets = calloc(conf->n_tls, sizeof *t->sets);
    if (!t->sets)
        return sl_err_set(err, -ENOMEM, "no memory for ticket keys");
    t->n = conf->n_tls;
    for (uint32_t i = 0; i < t->n; i++) {
        const struct sl_conf_file *file = &conf->tls[i].ticket_keys_text;
        uint32_t line;

        /* What was read with the configuration was checked with it. */
        if (!file->bytes ||
            sl_ticket_set_parse(&t->sets[i], (const char *)file->bytes, file->len_bytes - 1, &line) != 0)
            t->sets[i] = t->own;
    }
    return give(ctl, conf, err);
}

static bool has_file(const struct sl_conf_tls *t) { return *t->ticket_keys.s != '\0'; }

/* Listeners that ask for clients' certificates give none (tls: a resumed session would show no certificate). */
static bool gives(const struct sl_conf_tls *t) { return t->tickets == SL_ON && t->clients == SL_CLIENTS_OFF; }

/* The first settings with the same file; i itself where it is the first. */
static uint32_t first_with(const struct sl_conf *conf, uint32_t i)
{
    uint32_t k = 0;

    while (strcmp(conf->tls[k].ticket_keys.s, conf->tls[i].ticket_keys.s) != 0)
        k++;
    return k;
}

/* The set of conf->tls[i] as it is now, rotated where that is wanted. */
static int fetch(const struct sl_ctl *ctl, uint32_t i, bool rotate, struct sl_ticket_set *set, struct sl_err *err)
{
    const struct sl_conf *conf = ctl_running(ctl);
    const char *path = conf->tls[i].ticket_keys.s;
    uint32_t first = first_with(conf, i);
    int failed;

    *set = first < i ? ctl->tickets.sets[first] : ctl->tickets.own;
    if (first < i || !has_file(&conf->tls[i]))
        return 0;
    failed = read_file(path, set, err);
    if (!failed && rotate) {
        sl_ticket_set_rotate(set);
        failed = write_file(path, set, err);
    }
    return failed;
}

/* Brings all sets up to date and gives them to the workers. What fails is told and keeps what it had. */
static int refresh(struct sl_ctl *ctl, bool rotate, bool *changed, struct sl_err *err)
{
    const struct sl_conf *conf = ctl_running(ctl);
    struct tickets *t = &ctl->tickets;
    int failed = 0, not_given;
    struct sl_err one;

    *changed = false;
    if (!ctl_all_answered(ctl) || t->n != conf->n_tls)
        return sl_err_set(err, -EBUSY, "a worker does not answer");
    for (uint32_t i = 0; i < t->n; i++) {
        struct sl_ticket_set set;
        int bad = fetch(ctl, i, rotate, &set, &one);

        if (!bad) {
            *changed |= memcmp(&t->sets[i], &set, sizeof set) != 0;
            t->sets[i] = set;
        } else if (!failed) {
            failed = sl_err_set(err, bad, "%s", one.text);
        }
        sl_ticket_set_wipe(&set);
    }
    not_given = give(ctl, conf, &one);
    return failed || !not_given ? failed : sl_err_set(err, not_given, "%s", one.text);
}

int ctl_tickets_rotate(struct sl_ctl *ctl, struct sl_err *err)
{
    bool changed;

    if (!ctl_all_answered(ctl))
        return sl_err_set(err, -EBUSY, "a worker does not answer");
    sl_ticket_set_rotate(&ctl->tickets.own);
    ctl->tickets.own_until_ns = sl_port_now() + OWN_ROTATION_NS;
    return refresh(ctl, true, &changed, err);
}

void ctl_tickets_reread(struct sl_ctl *ctl)
{
    struct sl_err err;
    bool changed;

    if (refresh(ctl, false, &changed, &err))
        ctl_say(ctl, "error tickets %s: the keys so far go on", err.text);
    else if (changed)
        ctl_say(ctl, "info tickets keys have changed: new tickets use them");
}

void ctl_tickets_tick(struct sl_ctl *ctl)
{
    struct tickets *t = &ctl->tickets;
    struct sl_err err;
    bool changed;

    if (t->n == 0 || sl_port_now() < t->own_until_ns || !ctl_all_answered(ctl))
        return;
    sl_ticket_set_rotate(&t->own);
    t->own_until_ns = sl_port_now() + OWN_ROTATION_NS;
    if (refresh(ctl, false, &changed, &err))
        ctl_say(ctl, "error tickets %s", err.text);
}

void ctl_tickets_free(struct sl_ctl *ctl)
{
    sl_ticket_set_wipe(&ctl->tickets.own);
    forget(&ctl->tickets);
}

/* ---- commands ---- */

static void put_names(struct out *o, const struct sl_ticket_set *set, enum format format)
{
    bool some = false;

    for (uint32_t role = 0; role < SL_TICKET_ROLE_COUNT; role++) {
        uint8_t name[SL_TICKET_NAME_BYTES];

        if (!set->has[role] || !sl_ticket_set_name(set, (enum sl_ticket_role)role, name))
            continue;
        out_put(o, format == FORMAT_JSON ? "%s\"%s\":\"" : "%s%s ", some ? (format == FORMAT_JSON ? "," : "  ") : "",
                sl_ticket_role_name[role]);
        for (uint32_t i = 0; i < sizeof name; i++)
            out_put(o, "%02x", name[i]);
        out_put(o, format == FORMAT_JSON ? "\"" : "");
        some = true;
    }
}

bool ctl_show_tickets(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status)
{
    const struct sl_conf *conf = ctl_running(ctl);

    (void)p;
    (void)status;
    out_put(o, format == FORMAT_JSON ? "{\"tickets\":[" : "");
    for (uint32_t i = 0; i < ctl->tickets.n; i++) {
        const struct sl_conf_tls *t = &conf->tls[i];

        if (format == FORMAT_JSON) {
            out_put(o, "%s{\"settings\":", i ? "," : "");
            out_json(o, t->name.s);
            out_put(o, ",\"tickets\":%s,\"file\":", gives(t) ? "true" : "false");
            out_json(o, t->ticket_keys.s);
            out_put(o, ",\"keys\":{");
        } else {
            out_put(o, "%s: %s\n  ", t->name.s,
                    !gives(t)     ? "gives no tickets"
                    : has_file(t) ? t->ticket_keys.s
                                  : "keys of this process alone");
        }
        if (gives(t))
            put_names(o, &ctl->tickets.sets[i], format);
        out_put(o, format == FORMAT_JSON ? "}}" : "\n");
    }
    out_put(o, format == FORMAT_JSON ? "]}\n" : "");
    return false;
}

bool ctl_run_tickets_rotate(struct sl_ctl *ctl, struct progress *p, enum format format, struct out *o, int *status)
{
    struct sl_err err = {""};

    (void)p;
    *status = ctl_tickets_rotate(ctl, &err);
    if (*status)
        ctl_say(ctl, "error tickets rotate %s", err.text);
    else
        ctl_say(ctl, "info tickets rotated: new tickets use the key that was next");
    if (format == FORMAT_JSON) {
        out_put(o, "{\"rotated\":%s,\"report\":", *status ? "false" : "true");
        out_json(o, err.text);
        out_put(o, "}\n");
    } else {
        out_put(o, "%s\n", *status ? err.text : "rotated");
    }
    return false;
}
