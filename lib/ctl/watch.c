/* Files that the running configuration names: looked at in rounds, a piece at a time. A change is acted on when a whole
 * round has seen no other, so that a chain and its key, written one after the other, are taken together. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "ctl/internal.h"

#define ROUND_NS (2 * SL_NS_PER_S)
#define PIECE 512  /* files looked at in one call: at most a few milliseconds */
#define FRESH_S 60 /* a file that changed so shortly before it was first looked at may have done so after it was read */
#define RETRY_NS (60 * SL_NS_PER_S)

static struct watched look_at(const char *path)
{
    struct watched w = {0};
    struct stat st;

    if (*path && stat(path, &st) == 0)
        w = (struct watched){.dev = st.st_dev,
                             .ino = st.st_ino,
                             .size = (uint64_t)st.st_size,
                             .mtime_ns = (uint64_t)st.st_mtim.tv_sec * SL_NS_PER_S + (uint64_t)st.st_mtim.tv_nsec,
                             .ctime_ns = (uint64_t)st.st_ctim.tv_sec * SL_NS_PER_S + (uint64_t)st.st_ctim.tv_nsec};
    return w;
}

static bool same(const struct watched *a, const struct watched *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size && a->mtime_ns == b->mtime_ns &&
           a->ctime_ns == b->ctime_ns;
}

void ctl_watch_free(struct sl_ctl *ctl)
{
    free(ctl->watch.files);
    ctl->watch.files = NULL;
    ctl->watch.n = 0;
}

/* Nothing is known of the files at first: what changed between reading and now shows by its contents, later. */
void ctl_watch_begin(struct sl_ctl *ctl)
{
    const struct sl_conf *conf = ctl_running(ctl);
    struct watch *w = &ctl->watch;
    uint32_t n = 0;

    ctl_watch_free(ctl);
    *w = (struct watch){.next_ns = sl_port_now(), .begun_wall_s = sl_port_wall_s()};
    if (conf->control.watch == SL_OFF)
        return;
    while (sl_conf_file_at(conf, n, NULL))
        n++;
    w->files = calloc(n + 1, sizeof *w->files);
    w->n = w->files ? n : 0;
}

static bool is_ticket_file(const struct sl_conf *conf, uint32_t i)
{
    const char *path = sl_conf_file_at(conf, i, NULL);

    for (uint32_t k = 0; k < conf->n_tls; k++)
        if (path == conf->tls[k].ticket_keys.s)
            return true;
    return false;
}

/* Ticket keys go to the workers as they are; all else is a new configuration, which brings the ticket keys too. */
static void act(struct sl_ctl *ctl)
{
    const struct sl_conf *conf = ctl_running(ctl);
    struct watch *w = &ctl->watch;
    bool again = false, tickets = false;

    for (uint32_t i = 0; i < w->n; i++) {
        if (!w->files[i].changed)
            continue;
        if (is_ticket_file(conf, i)) /* these rotate without a new configuration: compare when first looked at only */
            tickets |= !w->files[i].first || sl_conf_file_differs(conf, i);
        else
            again |= sl_conf_file_differs(conf, i);
    }
    if (again && ctl_reload_files(ctl) == -EAGAIN) {
        w->waiting = true; /* old configurations are still used: once more, later */
        w->next_ns = sl_port_now() + RETRY_NS;
        return;
    }
    if (!again && tickets)
        ctl_tickets_reread(ctl);
    for (uint32_t i = 0; i < w->n; i++) /* of a new configuration's: nothing is known yet */
        w->files[i].changed = w->files[i].first = false;
}

void ctl_watch_tick(struct sl_ctl *ctl)
{
    const struct sl_conf *conf = ctl_running(ctl);
    struct watch *w = &ctl->watch;
    uint64_t now = sl_port_now();
    bool settled;

    if (w->n == 0 || now < w->next_ns)
        return;
    for (uint32_t i = 0; i < PIECE && w->at < w->n; i++, w->at++) {
        struct watched *f = &w->files[w->at], seen = look_at(sl_conf_file_at(conf, w->at, NULL));

        seen.first = !w->known;
        seen.changed = w->known ? !same(&seen, f) : seen.ctime_ns / SL_NS_PER_S + FRESH_S > w->begun_wall_s;
        w->moving |= seen.changed;
        seen.first |= f->first && f->changed && !seen.changed;
        seen.changed |= f->changed;
        *f = seen;
    }
    if (w->at < w->n)
        return;
    w->at = 0;
    w->known = true;
    w->next_ns = now + (ctl->params.watch_ns ? ctl->params.watch_ns : ROUND_NS);
    settled = w->waiting && !w->moving;
    w->waiting = w->moving;
    w->moving = false;
    if (settled)
        act(ctl);
}
