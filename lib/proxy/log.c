#include <stdio.h>

#include "internal.h"

void log_exchange(struct sl_proxy *proxy, enum sl_event_kind kind, uint32_t why, const struct sl_proxy_service *svc,
                  struct sl_stream *front, const struct sl_endpoint *server, uint64_t now)
{
    struct sl_event ev = {
        .at_ns = now,
        .kind = kind,
    };
    struct sl_facts facts = {0};

    if (why != SL_REASON_NONE && why < SL_REASON_COUNT)
        ev.why = sl_reason_text[why];
    front->ops->facts(front, &facts);
    ev.peer = facts.peer;
    if (server)
        ev.other = *server;
    snprintf(ev.listener, sizeof ev.listener, "%s", svc->name);
    snprintf(ev.note, sizeof ev.note, "%s", facts.sni ? facts.sni : "");
    sl_event_emit(proxy->stats, now, &ev);
}
