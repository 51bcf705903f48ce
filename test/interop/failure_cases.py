"""What goes wrong at the origin, and what the client is told."""

import os
import signal

from lab import FRONT4, ORIGIN4, TOP, check, until

SHAPES = ["1 worker", "2 workers"]
PEERS = TOP / "test" / "interop" / "peers"


def case_refused_origin_ends_in_close_notify_and_fin(lab):
    before = lab.counter("proxy.dials_failed")
    with stopped_origin(lab):
        done = lab.exec("client", "python3", PEERS / "tls_end.py", FRONT4, "443", lab.state / "ca.crt")
        check(done.stdout.strip() == "close_notify", "how the client saw the end", done.stdout)
        check(lab.counter("proxy.dials_failed") > before, "not counted")
        check("back_refused" in lab.log(), "not logged", lab.log()[-1000:])
    until(lambda: lab.curl("/1k", ok=False).returncode == 0, 15, "the restarted origin serves again")


class stopped_origin:
    """nginx stopped by its pid, and started again."""

    def __init__(self, lab):
        self.lab = lab

    def __enter__(self):
        pid = self.lab.pid("nginx")
        os.kill(pid, signal.SIGTERM)
        until(lambda: not os.path.exists(f"/proc/{pid}"), 10, "nginx ends")

    def __exit__(self, *exc):
        self.lab.command("origin-start")


def case_origin_killed_in_mid_stream_resets_the_client(lab):
    before = lab.counter("proxy.back_resets")
    with lab.background("origin", "python3", PEERS / "resetting_origin.py", ORIGIN4, "8081") as origin:
        check(origin.stdout.readline().strip() == "ready", "origin did not start")
        done = lab.exec("client", "python3", PEERS / "tcp_end.py", FRONT4, "81")
        check(done.stdout.strip() == "reset", "how the client saw the end", done.stdout)
    check(lab.counter("proxy.back_resets") > before, "not counted")


def case_client_that_resets_leaves_nothing(lab):
    lab.exec("client", "python3", PEERS / "resetting_client.py", FRONT4, "80", "20")
    until(lambda: lab.counter("proxy.pairs") == 0, 10, "pairs end")
    lab.curl("/1k")


def case_half_close_by_the_client_is_kept(lab):
    done = lab.exec("client", "python3", PEERS / "half_close.py", FRONT4, "80")
    check(done.stdout.strip() == "answered", "an answer after our FIN", done.stdout)
