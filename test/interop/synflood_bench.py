#!/usr/bin/env python3
"""How long honest clients wait for their connection while SYNs flood in from addresses that nobody has. `scripts/bench synflood` runs it; needs root.

Clients come one after another, connect, and fetch 1 KiB through Sluice (`protocol: tcp`). In turns: no flood, floods of several rates, at last as many
SYNs as the device takes. Sluice has one core, attacker, clients and origin share the others. `per_second` is what the attacker sent, `carried` what of it
Sluice answered with a cookie: the rest was lost in front of it, as segments of clients were, who ask again after a second.
"""

import pathlib
import time

from bad_link import honest_clients, syn_flood
from bench_report import options, report, rounds, running, spread
from lab import TOP

FLOODS = [None, 10000, 50000, 0]  # SYNs a second; 0: all that the device takes
CONFIG = pathlib.Path(TOP / "test/interop/flood.yaml")
LIMIT_S = 20


def name(rate):
    return "no flood" if rate is None else f"{rate} SYNs/s" if rate else "all it takes"


def clients(lab, n):
    return honest_clients(lab, 80, n, 1, LIMIT_S)


def under_flood(lab, rate, n):
    """What the clients saw, SYNs a second that were sent and that were carried."""
    if rate is None:
        return clients(lab, n), 0, 0
    with syn_flood(lab, 80, rate) as attacker:
        time.sleep(0.3)
        before, begun = lab.counter("tcp.cookies_sent"), time.monotonic()
        seen = clients(lab, n)
        carried = (lab.counter("tcp.cookies_sent") - before) / (time.monotonic() - begun)
    return seen, attacker.did["per_second"], carried


def figure(rate, seen):
    """Figures of one flood from what was seen in each round."""
    connect = [ms * 1000 for s, _, _ in seen for ms in s["connect_ms"]]
    answer = [ms * 1000 for s, _, _ in seen for ms in s["answer_ms"]]
    failed = sum(len(s["failures"]) for s, _, _ in seen)
    more = {"answered": len(answer), "failed": failed, "per_second": round(spread(s for _, s, _ in seen)["median"]),
            "carried": round(spread(c for _, _, c in seen)["median"])}
    return [{"time": what, "who": name(rate), "us": spread(times), "p99_us": sorted(times)[int(len(times) * 0.99)], **more}
            for what, times in (("connect", connect), ("answer", answer)) if times] or [{"time": "answer", "who": name(rate), **more}]


def main():
    chosen = options(__doc__, 5)
    n = 20 if chosen.quick else 200
    got = {rate: [] for rate in FLOODS}
    with running(chosen.build, CONFIG) as lab:
        for _ in rounds(chosen):
            for rate in FLOODS:
                got[rate].append(under_flood(lab, rate, n))
    figures = [f for rate in FLOODS for f in figure(rate, got[rate])]
    report("synflood", sorted(figures, key=lambda f: f["time"], reverse=True))


if __name__ == "__main__":
    main()
