"""Bytes arrive whole over a bad link, both ways at once: the client's kernel at one end of it, Sluice at the other."""

import concurrent.futures

from bad_link import PERCENT, bad_link, kernel_counter
from lab import FRONT6, check
from transfer_cases import download, upload

SHAPES = ["1 worker"]
PLAIN = {"scheme": "http", "port": 80}


def both_ways(lab, limit_s=60, **kw):
    """100 MB down and 100 MB up at the same time. The limit only bounds a failure."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(way, lab, "100m", "--max-time", str(limit_s), timeout=limit_s + 20, **kw) for way in (download, upload)]
        for job in jobs:
            job.result()


def as_often(did, what, ppm):
    """The link did it as often as it was told, give or take what chance does in a hundred thousand segments."""
    for way in ("out", "in"):
        check(did[way]["seen"] > 70000, "segments that passed the link", str(did))
        check(0.5 < did[way][what] / (did[way]["seen"] * ppm / 1e6) < 2, f"segments that were {what}", str(did))


def loss(lab, ppm, limit_s=60):
    again = lab.counter("tcp.retransmits")
    with bad_link(lab, lose=ppm) as link:
        both_ways(lab, limit_s, **PLAIN)
    as_often(link.did, "lost", ppm)
    check(lab.counter("tcp.retransmits") - again >= link.did["in"]["lost"] / 2, "what was lost on the way to the client was sent again")


def case_100_mb_each_way_at_01_percent_loss(lab):
    loss(lab, PERCENT // 10)


def case_100_mb_each_way_at_1_percent_loss(lab):
    loss(lab, 1 * PERCENT)


def case_100_mb_each_way_at_5_percent_loss(lab):
    loss(lab, 5 * PERCENT, limit_s=400)


def case_duplicates(lab):
    with bad_link(lab, duplicate=1 * PERCENT) as link:
        both_ways(lab, **PLAIN)
    as_often(link.did, "duplicated", 1 * PERCENT)


def case_reordering(lab):
    """A segment arrives behind eight others that were sent after it."""
    ahead, ahead_there = lab.counter("tcp.ooo_segs"), kernel_counter(lab, "TcpExtTCPOFOQueue")
    with bad_link(lab, hold=1 * PERCENT, hold_segs=8) as link:
        both_ways(lab, **PLAIN)
    as_often(link.did, "late", 1 * PERCENT)
    check(lab.counter("tcp.ooo_segs") > ahead, "Sluice saw segments ahead of order")
    check(kernel_counter(lab, "TcpExtTCPOFOQueue") > ahead_there, "the client saw segments ahead of order")


def case_corruption(lab):
    """Every flipped bit is seen by the checksum, at both ends."""
    dropped, dropped_there = lab.stats()["drops"]["tcp_cksum"], kernel_counter(lab, "TcpInCsumErrors")
    with bad_link(lab, corrupt=PERCENT // 10) as link:
        both_ways(lab, **PLAIN)
    check(link.did["out"]["corrupted"] > 20 and link.did["in"]["corrupted"] > 20, "segments that were corrupted", str(link.did))
    check(lab.stats()["drops"]["tcp_cksum"] - dropped == link.did["out"]["corrupted"], "corrupted segments that Sluice dropped", str(link.did))
    check(kernel_counter(lab, "TcpInCsumErrors") - dropped_there == link.did["in"]["corrupted"], "corrupted segments that the client dropped", str(link.did))


def case_all_of_it_under_tls_over_ipv6(lab):
    with bad_link(lab, lose=PERCENT // 5, duplicate=PERCENT // 5, hold=PERCENT // 5, corrupt=PERCENT // 10) as link:
        both_ways(lab, address=FRONT6)
    for way in ("out", "in"):
        check(all(link.did[way][what] > 20 for what in ("lost", "duplicated", "late", "corrupted")), "the link was bad in every way", str(link.did))
