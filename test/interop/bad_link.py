"""The lab's bad network: a link that loses, duplicates, corrupts and delays segments (link/bad_link), and a flood of SYNs (link/syn_flood)."""

import contextlib
import json
import os
import re
import signal

from lab import FRONT4, TOP, Failure, check, until

PERCENT = 10000  # of a million
OFFLOADS = {"generic-segmentation-offload": "gso", "generic-receive-offload": "gro"}
GSO_SEGMENTS = 65535


class Peer:
    """A program of link/ that says `ready`, and at its end in one JSON object what it did."""

    def __init__(self, process):
        self.process, self.did = process, None

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        out = self.process.communicate(timeout=20)[0]
        check(self.process.returncode == 0, "the program's exit status", f"{self.process.returncode}\n{out}")
        self.did = json.loads(out.splitlines()[-1])


@contextlib.contextmanager
def program(lab, name, *args):
    with lab.background("client", lab.build / "test/interop/link" / name, *args) as process:
        line = process.stdout.readline()
        if line != "ready\n":
            check(False, f"{name} did not start", line + process.communicate(timeout=10)[0])
        peer = Peer(process)
        yield peer
        peer.end()


@contextlib.contextmanager
def frames_only(lab, host, device):
    """What leaves and enters the device are frames, no larger buffers that an offload would cut later or has put together."""
    def ethtool(*args):
        lab.exec(host, "ethtool", *args)

    shown = lab.exec(host, "ethtool", "-k", device).stdout
    on = [short for name, short in OFFLOADS.items() if re.search(rf"^{name}: on$", shown, re.M)]
    try:
        for short in on:
            ethtool("-K", device, short, "off")
        lab.exec(host, "ip", "link", "set", device, "gso_max_segs", 1)  # TCP makes large buffers all the same, and cuts them behind the programs
        yield
    finally:
        lab.exec(host, "ip", "link", "set", device, "gso_max_segs", GSO_SEGMENTS)
        for short in on:
            ethtool("-K", device, short, "on")


@contextlib.contextmanager
def bad_link(lab, **fates):
    """The client's link is bad within the block: bad_link(lab, lose=1 * PERCENT, hold_segs=5). Afterwards `did` of what this gives says how bad it was,
    for the ways `out` and `in` as the client sees them."""
    with frames_only(lab, "client", "eth0"):
        with program(lab, "bad_link", "eth0", *(f"{name}={n}" for name, n in fates.items())) as peer:
            yield peer
    check(peer.did["out"]["larger"] == peer.did["in"]["larger"] == 0, "an offload was on", str(peer.did))


def syn_flood(lab, port, rate):
    """SYNs from 198.19.0.0/16 to Sluice within the block; it has to run with flood.yaml, or its answers go nowhere."""
    mac = lab.exec("sluice", "cat", "/sys/class/net/veth-front/address").stdout.strip()
    return program(lab, "syn_flood", "eth0", mac, FRONT4, port, rate)


def restart(lab, config):
    """Another configuration where a reload would not do."""
    os.kill(lab.pid(), signal.SIGTERM)
    until((lab.state / "sluice.exit").exists, 40, "the process ends")
    lab.command("up", "--workers", lab.workers, *(["--config", config] if config else []))


def honest_clients(lab, port, n, at_once, seconds, path="/1k"):
    """What peers/honest_clients.py saw."""
    expected = lab.document(path.strip("/")).stat().st_size
    out = lab.exec("client", "python3", TOP / "test/interop/peers/honest_clients.py", FRONT4, port, path, n, at_once, seconds, expected,
                   timeout=n / at_once * seconds + 30).stdout
    return json.loads(out)


def kernel_counter(lab, name):
    """One of the client's kernel, such as TcpInCsumErrors."""
    for line in lab.exec("client", "nstat", "-asz", name).stdout.splitlines():
        if line.startswith(name + " "):
            return int(line.split()[1])
    raise Failure(f"no counter {name}")
