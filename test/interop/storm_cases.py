"""Handshakes that begin and do not end, beside clients that mean it."""

import concurrent.futures

from lab import FRONT4, check, shapes, until
from tls_lab import HASTY, HTTPS, counted, ensure, memory_kib, peer_command

SHAPES = ["1 worker", "1 worker, asan"]


def honest(lab, n, port):
    """So many pages, eight clients at a time; each client has ten seconds."""
    page = lab.document("1k").read_text()

    def one(_):
        check(lab.curl("/1k", "--max-time", "10", port=port).stdout == page, "an honest client's page")

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(n)))


def storm(lab, n, mode, port):
    return lab.background("client", *peer_command("stalled.py", FRONT4, port, n, mode))


def ready(process):
    line = process.stdout.readline().strip()
    check(line == "ready", "the storm began", line)


def quiet(lab):
    until(lambda: lab.counter("tls.in_flight") == 0 and lab.counter("tls.lingering") == 0 and lab.counter("tls.streams") == 0, 20, "nothing is in flight")


def case_300_that_never_send_finished(lab):
    ensure(lab)
    quiet(lab)
    memory = []
    for _ in range(3):
        heap = lab.counter("tls.heap_bytes")
        with counted(lab, {"tls.handshakes": 40, "tls.failed_timeout": 0, "tls.failed_internal": 0}):
            with storm(lab, 300, "answered", HTTPS) as p:
                ready(p)
                check(lab.counter("tls.in_flight") == 300, "all are in flight", str(lab.counter("tls.in_flight")))
                honest(lab, 40, HTTPS)
            quiet(lab)
        check(lab.counter("tls.heap_bytes") <= heap + (256 << 10), "mbedTLS's memory is given back", f"{heap} → {lab.counter('tls.heap_bytes')}")
        memory.append(memory_kib(lab))
    check(memory[2] - memory[0] < 16 << 10 or lab.sanitized, "memory grows from storm to storm", f"{memory} KiB")


@shapes("1 worker")
def case_more_than_the_limit_make_way_for_honest_ones(lab):
    """limits.handshakes of tls.yaml: the one without progress for longest gives way."""
    ensure(lab)
    quiet(lab)
    with counted(lab, {"tls.failed_evicted": None, "tls.handshakes": 40, "tls.failed_internal": 0}), storm(lab, 800, "answered", HTTPS) as p:
        ready(p)
        check(590 <= lab.counter("tls.in_flight") <= 600, "the limit holds", str(lab.counter("tls.in_flight")))
        honest(lab, 40, HTTPS)
    quiet(lab)


def sent_away(lab):
    counters = lab.stats()["counters"]
    return counters["tls.failed_timeout"] + counters["tls.failed_evicted"]


def case_1000_that_dawdle_over_their_hello(lab):
    """The listener allows three seconds; those beyond the limit have less."""
    ensure(lab)
    quiet(lab)
    before = sent_away(lab)
    resident = memory_kib(lab)
    with storm(lab, 1000, "dawdle", HASTY) as p:
        ready(p)
        honest(lab, 40, HASTY)
        check(memory_kib(lab) - resident < 48 << 10 or lab.sanitized, "a dawdler costs a handshake's memory", f"{memory_kib(lab) - resident} KiB")
        until(lambda: sent_away(lab) - before == 1000, 20, "all are sent away in time")
        check(lab.counter("tls.in_flight") == 0, "nothing is in flight")
    quiet(lab)
