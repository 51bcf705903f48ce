"""What Sluice does with the floods of scripts/pktgen: their captures are replayed into it over memif by DPDK's testpmd."""

import collections
import contextlib
import os
import shutil
import signal
import subprocess
import time

from bad_link import restart
from lab import LAB, TOP, check, run, until

SHAPES = ["1 worker"]
CONFIG = TOP / "test/interop/bench.yaml"
FRAMES = 20000
MIXED = [14000, 4000, 2000]
BACKLOG = 1024
TESTPMD = ["dpdk-testpmd", "--no-huge", "-m", "128", "--no-pci", "--no-shconf", "--lcores=0@0,1@0"]
OPTIONS = ["-i", "--no-flush-rx", "--total-num-mbufs=8192"]


@contextlib.contextmanager
def testpmd(lab, capture):
    """Replays the capture once, and waits where the ring is full. It is in Sluice's namespace, where the socket is."""
    check(shutil.which("dpdk-testpmd"), "dpdk-testpmd is not there: scripts/setup --test")
    devices = ["--vdev", f"net_pcap0,rx_pcap={capture}", "--vdev", "net_memif0,role=client,socket=/sluice-bench,mac=02:00:00:00:00:01"]
    with open(capture.with_suffix(".log"), "w", encoding="utf-8") as log:
        p = subprocess.Popen([str(LAB), "exec", "sluice", *TESTPMD, f"--file-prefix=replay{os.getpid()}", *devices, "--", *OPTIONS], env=lab.env,
                             stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        try:
            p.stdin.write("set fwd io retry\nset burst tx delay 20 retry 100000\nstart\n")
            p.stdin.flush()
            yield
        finally:
            with contextlib.suppress(BrokenPipeError, subprocess.TimeoutExpired):
                p.communicate("stop\nquit\n", timeout=5)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(p.pid, signal.SIGKILL)
            p.wait()


def replay(lab, scratch, kind):
    """How far every counter and drop reason moved while the capture was replayed."""
    capture = scratch / f"{kind}.pcap"
    run([TOP / "scripts/pktgen/capture", kind, capture, "--frames", FRAMES, "--to", "198.18.2.10:443", "--gateway", "198.18.2.2"])
    before = lab.stats()
    with testpmd(lab, capture):
        until(lambda: lab.counter("net.rx_packets") - before["counters"]["net.rx_packets"] > FRAMES, 10, f"all of {kind}.pcap reaches Sluice")
        time.sleep(0.1)  # for what was received last
        after = lab.stats()
    return collections.Counter({name: value - before[part][name] for part in ("counters", "drops") for name, value in after[part].items() if value != before[part][name]})


def total(moved, *names):
    return sum(moved[name] for name in names)


def served(lab):
    check(lab.curl("/1k").stdout == lab.document("1k").read_text(), "a client is served")


def acks(moved, sent):
    """Each is counted by its reason. Where no cookies are out they are answered with RSTs, as many as the limit lets."""
    counted = total(moved, "tcp_no_conn", "tcp_cookie_bad", "tcp_cookie_expired")
    check(counted == sent, "ACKs of no connection that were counted", str(moved))
    check(total(moved, "tcp.rst_sent", "tcp_rst_limited") == moved["tcp_no_conn"], "RSTs, sent or over the limit", str(moved))


def pings(moved, sent):
    check(total(moved, "net.echo_replies", "icmp_limit") == sent, "pings, answered or over the limit", str(moved))
    check(moved["net.echo_replies"] > 50, "pings that were answered", str(moved))


def syns(lab, moved, sent):
    """The first fill the backlog, all others get a cookie, unless the answers queue up to a full ring."""
    check(moved["tcp.cookies_sent"] <= sent, "cookies", str(moved))
    check(total(moved, "tcp.cookies_sent", "tcp_tx_full") >= sent - BACKLOG, "SYNs answered with a cookie", str(moved))
    check(moved["tcp_tx_full"] < sent / 10, "answers for which there was no room", str(moved))
    check(moved["tcp_backlog_full"] == 0, "SYNs that were dropped", str(moved))
    check(lab.counter("tcp.conns") < BACKLOG + 16, "the flood left no more behind than the backlog")


def case_captures_for_pktgen_replayed_over_memif(lab):
    restart(lab, CONFIG)
    try:
        with lab.scratch() as scratch:
            served(lab)
            moved = replay(lab, scratch, "ack")
            acks(moved, FRAMES)
            check(moved["tcp.rst_sent"] > 50, "ACKs answered with RST", str(moved))
            served(lab)
            pings(replay(lab, scratch, "icmp"), FRAMES)
            served(lab)
            syns(lab, replay(lab, scratch, "syn"), FRAMES)
            served(lab)
    finally:
        restart(lab, None)


def case_a_mixed_capture_for_pktgen_replayed_over_memif(lab):
    restart(lab, CONFIG)
    try:
        with lab.scratch() as scratch:
            moved = replay(lab, scratch, "mixed")
            n_syns, n_acks, n_pings = MIXED
            acks(moved, n_acks)
            pings(moved, n_pings)
            syns(lab, moved, n_syns)
            served(lab)
    finally:
        restart(lab, None)
