"""Who takes part in a bench, each with the client that asks it, and how it is set up for one run."""

import contextlib
import json
import pathlib
import re
import sys

import ground
import papers
import rivals
import sluice
from clients import CLIENTS, Job
from ground import Trouble, until

HERE = pathlib.Path(__file__).resolve().parent
BULK = 1 << 16  # an answer or upload of this size or more wants large buffers


class Contestant:
    """One line of the table: who, by which way it is asked, and which of its meters its figure is."""

    def __init__(self, who, client, device="kernel", idle="sleep", meter="core_us"):
        self.who, self.client, self.device, self.idle, self.meter = who, client, device, idle, meter

    def __str__(self):
        return f"{self.who} ({self.way()})"

    def is_sluice(self):
        return self.who == "sluice"

    def way(self):
        """How it was asked and what was metered, for people."""
        over = {"kernel": "kernel's veth", "af_xdp": "AF_XDP on veth", "memif": "memif: no device, not like for like"}[self.device]
        return f"{self.client.split(' ')[0]}, {over}; {'busy cycles' if self.meter == 'cycles_us' else 'core time'}"

    def kernel_client(self):
        return not self.client.startswith("sluice-load")

    def start(self, the_ground, bench, options):
        origins = ground.KERNEL_ORIGINS if self.kernel_client() else ground.load_origins(bench.connections)
        if not self.is_sluice():
            if self.kernel_client():
                rivals.prepare(the_ground, bench.steer)
            else:
                rivals.prepare_for_xdp(the_ground)
            return rivals.Running(the_ground, self.who, bench.certificate, buffer_of(bench), origins)
        if self.device == "af_xdp" and self.kernel_client():
            sluice.prepare(the_ground, bench.steer)
        elif self.device == "af_xdp":
            sluice.prepare_for_xdp(the_ground)
        it = sluice.Running(the_ground, options.build, bench.certificate, self.device, self.idle, max(65536, bench.connections * 5 // 2), origins)
        if self.device == "af_xdp" and self.idle == "sleep":
            sluice.prepare_started(the_ground)
        return it

    def ready(self, the_ground, it):
        """A client that checks the certificate gets its bytes; where sluice-load will be the origin, it shakes hands."""
        it.check_alive()
        try:
            seen = probe(the_ground, it.address)
        except Trouble:
            return False
        return seen if not self.kernel_client() or seen.pop("body") == (the_ground.state / "www" / "100").read_text() else False

    @contextlib.contextmanager
    def running(self, the_ground, bench, options):
        """Started, ready and answering; ended afterwards."""
        it = self.start(the_ground, bench, options)
        try:
            if self.device != "memif":
                it.probed = until(lambda: self.ready(the_ground, it), 10, f"{self.who} answers a request")
            yield it
        finally:
            it.end()

    def ask(self, the_ground, it, job, seconds, begun=None):
        return CLIENTS[self.client](the_ground, it.address, job, seconds, begun)


def buffer_of(bench):
    """Of those that have one for each direction of each connection."""
    return "64k" if max(bench.get, bench.put) >= BULK else "4k" if "hold" in bench.clients else "16k"


def probe(the_ground, address):
    """What an attentive client sees."""
    return json.loads(the_ground.run("load", sys.executable, HERE / "probe.py", address, ground.FRONT_PORT, the_ground.state / "ca.crt", papers.SITE, "/100", timeout=10))


def negotiated(the_ground, it):
    """Version, suite and group that a client gets which would take others, too, and whether it can resume."""
    text = the_ground.run("load", "openssl", "s_client", "-connect", f"{it.address}:{ground.FRONT_PORT}", "-servername", papers.SITE, ok=False)
    found = re.search(r"^Server Temp Key: (\w+)", text, re.M)
    return {k: it.probed[k] for k in ("version", "suite", "reused")} | {"group": found[1] if found else "?"}


WANTED = {"version": "TLSv1.3", "suite": "TLS_AES_128_GCM_SHA256", "reused": True, "group": "X25519"}


def clients_of(bench, options):
    """Those of its clients that were asked for and are there."""
    chosen = [c for c in bench.clients if not options.clients or c.split(" ")[0] in options.clients]
    return [c for c in chosen if not c.startswith("sluice-load") or (options.build / "app/sluice-load/sluice-load").exists()]


def field(bench, options):
    """Sluice first, metered as the rivals are, since they are compared with it; then the rivals, each asked by the client that all share."""
    found = []
    for client in clients_of(bench, options):
        if client.endswith("memif"):
            found.append(Contestant("sluice", client, "memif", "spin", "cycles_us"))
            continue
        found += [Contestant("sluice", client, "af_xdp", "sleep", "core_us"), Contestant("sluice", client, "af_xdp", "spin", "cycles_us")]
        found += [Contestant(name, client) for name in rivals.chosen(options.against)]
    if not found:
        raise Trouble("its clients are not there: " + ", ".join(bench.clients))
    return found


def job_of(name, bench, rate=0):
    return Job(name, bench.connections, bench.close, bench.get, bench.put, rate)
