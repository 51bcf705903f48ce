"""sluice-load as a client of a running Sluice, over AF_XDP on the client's interface, which the kernel there goes on using. The lab's nginx is the origin, so answers are counted
and not compared (--foreign)."""

import json
import signal
import time

from lab import FRONT4, SITE, check, run, until

SHAPES = ["1 worker"]

CONFIG = """\
dpdk: { hugepages: off, memory: 128M, eal: ["--file-prefix=load%d"] }
workers: { cores: [0], idle: sleep }
interfaces: [{ name: client, device: "af_xdp:eth0", addresses: [198.18.0.64/24, 198.18.0.65/24] }]
"""


def command(lab, scratch, mode, *options):
    conf = scratch / "load.yaml"
    conf.write_text(CONFIG % lab.pid())
    return [lab.build / "app/sluice-load/sluice-load", "-c", conf, mode, "--to", f"{FRONT4}:443", "--name", SITE, "--foreign", "--get", "0", "--json", "--warmup", "0", *options]


def load(lab, mode, *options, status=0):
    """What it reports of its one flow."""
    with lab.scratch() as scratch:
        done = lab.exec("client", *command(lab, scratch, mode, *options), ok=False)
    check(done.returncode == status, f"sluice-load {mode} ended with status {done.returncode}", done.stdout + done.stderr)
    return json.loads(done.stdout.splitlines()[-1])["flows"][0]


def case_sluice_load_checks_every_certificate_that_it_is_to(lab):
    before = lab.counter("tls.handshakes")
    seen = load(lab, "handshake", "--connections", "8", "--seconds", "1", "--ca", lab.state / "ca.crt", "--check", "1")
    check(seen["operations"] > 8 and seen["failed"] == 0, "new connections, each with a request", str(seen))
    check(seen["checked"] == seen["handshakes"], "certificates that were looked at", str(seen))
    # The last are cut off when the client has sent its Finished.
    until(lambda: lab.counter("tls.handshakes") - before >= seen["operations"], 5, "Sluice counts them, too")
    check(lab.curl("/1k").stdout == lab.document("1k").read_text(), "the kernel's client on the same interface is served")


def case_sluice_load_takes_no_certificate_of_another_authority(lab):
    seen = load(lab, "handshake", "--connections", "2", "--seconds", "1", "--ca", lab.state / "clients-ca.crt", "--check", "1", status=1)
    check(seen["operations"] == 0 and seen["failures"]["tls"] > 0, "handshakes with a server of an authority that is not trusted", str(seen))


def case_sluice_load_resumes(lab):
    before = lab.counter("tls.resumed")
    seen = load(lab, "resume", "--connections", "8", "--seconds", "1")
    check(seen["failed"] == 0 and seen["resumed"] > 8, "resumed connections", str(seen))
    check(seen["handshakes"] - seen["resumed"] <= 8, "handshakes in full, until the first ticket came", str(seen))
    until(lambda: lab.counter("tls.resumed") - before >= seen["resumed"] - 8, 5, "Sluice counts them, too")


def case_sluice_load_holds_connections_and_asks_on_some(lab):
    with lab.scratch() as scratch:
        with lab.background("client", *command(lab, scratch, "hold", "--connections", "300", "--seconds", "60")) as program:
            until(lambda: lab.counter("tls.streams") >= 300, 20, "Sluice has them all")
            held = json.loads(program.stdout.readline())
            time.sleep(0.1)
            run(["pkill", "--signal", str(int(signal.SIGUSR1)), "--session", program.pid, "--exact", "sluice-load"])
            report = json.loads(program.stdout.readline())["flows"][0]
    check(held["held"] == 300, "connections that are held", str(held))
    check(0 < report["operations"] <= 150 and report["failed"] == 0, "requests on about a tenth of them", str(report))
    until(lambda: lab.counter("tls.streams") == 0, 10, "all are gone in the end")
