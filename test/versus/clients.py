"""Programs that ask: each runs on the load's cores for so many seconds and says how many operations were done, how long they took, and what failed.

A run in which anything failed is no figure: a terminator that refuses is fast. A client that takes long to start calls `begun` when it has.
"""

import collections
import json
import pathlib
import re
import shutil

import ground
import papers
from ground import Trouble, until

HERE = pathlib.Path(__file__).resolve().parent

# connections: at once; close: a new one for each operation; get, put: bytes of the answer, of the upload; rate: operations a second, 0: as fast as answers come.
Job = collections.namedtuple("Job", "operation connections close get put rate", defaults=(0,))
Seen = collections.namedtuple("Seen", "operations seconds latency_us failures")


def missing(program, package):
    if shutil.which(program) is None:
        raise Trouble(f"{program} is not installed: scripts/setup --bench installs {package}")


# ---- wrk: closed loop, from kernel sockets ----
def wrk_said(text):
    line = next((li for li in text.splitlines() if li.startswith("JSON ")), None)
    if line is None:
        raise Trouble(f"wrk said nothing of use: {text[-500:]}")
    w = json.loads(line[5:])
    failures = {k: w[k] for k in ("connect", "read", "write", "status", "timeout") if w[k]}
    return Seen(w["operations"], w["us"] / 1e6, {k: w[k] for k in ("p50", "p90", "p99", "p99.9", "max")}, failures)


def wrk(the_ground, address, job, seconds, begun=None):  # pylint: disable=unused-argument
    missing("wrk", "wrk")
    text = the_ground.run("load", "wrk", "-t1", f"-c{job.connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s", "-s", HERE / "wrk.lua",
                          f"https://{address}:{ground.FRONT_PORT}", "--", f"/put/{job.put}" if job.put else f"/{job.get}", job.put, "close" if job.close else "keep",
                          timeout=seconds + 30)
    return wrk_said(text)


# ---- ab: closed loop, a connection for each request and each with a handshake of its own, where wrk would resume ----
def ab_said(text):
    def number(name):
        return float(m[1]) if (m := re.search(rf"^{name}: *([0-9.]+)", text, re.M)) else 0

    # Of the lengths that it calls failures there are none here: all answers are the same.
    failures = {why: int(n) for why, n in (("failed", number("Failed requests")), ("write", number("Write errors")), ("status", number("Non-2xx responses"))) if n}
    latency = {f"p{q}": int(ms) * 1000 for q, ms in re.findall(r"^ +(50|90|99)% +(\d+)", text, re.M)}
    return Seen(int(number("Complete requests")), number("Time taken for tests"), latency, failures)


def ab(the_ground, address, job, seconds, begun=None):  # pylint: disable=unused-argument
    missing("ab", "apache2-utils")
    # -n bounds the list that it makes beforehand.
    return ab_said(the_ground.run("load", "ab", "-q", "-c", job.connections, "-t", max(1, round(seconds)), "-n", 500000, "-s", 10, f"https://{address}:{ground.FRONT_PORT}/{job.get}",
                                  timeout=seconds + 30))


# ---- h2load over HTTP/1.1: a stated rate, every answer's time written down ----
def quantiles(values):
    v = sorted(values)
    return {name: v[min(len(v) - 1, int(len(v) * q))] for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("p99.99", 0.9999))} | {"max": v[-1]} if v else {}


def h2load_said(text, log):
    """What it printed, and its log: start in µs since 1970, status, duration in µs."""
    rows = [line.split() for line in log.splitlines()]
    good = [int(r[2]) for r in rows if r[1].startswith("2")]
    line = next((li for li in text.splitlines() if li.startswith("requests:")), "")
    counts = {name.strip().split(" ")[1]: int(name.strip().split(" ")[0]) for name in line.removeprefix("requests:").split(",") if name.strip()}
    failures = {k: counts[k] for k in ("failed", "errored", "timeout") if counts.get(k)}
    if len(good) != len(rows):
        failures["status"] = len(rows) - len(good)
    span = (max(int(r[0]) for r in rows) - min(int(r[0]) for r in rows)) / 1e6 if rows else 0
    return Seen(len(good), span, quantiles(good), failures)


def h2load(the_ground, address, job, seconds, begun=None):  # pylint: disable=unused-argument
    """Its rate is one of each connection, so the whole rate is a multiple of the connections."""
    missing("h2load", "nghttp2-client")
    log = the_ground.state / "h2load.log"
    log.unlink(missing_ok=True)
    each = max(1, round(job.rate / job.connections))
    text = the_ground.run("load", "h2load", "--h1", "-t1", f"-c{job.connections}", f"-D{max(1, round(seconds))}", f"--rps={each}", f"--log-file={log}",
                          f"https://{address}:{ground.FRONT_PORT}/{job.get}", timeout=seconds + 30)
    return h2load_said(text, log.read_text() if log.exists() else "")


# ---- sluice-load: Sluice's own TCP and TLS on both sides ----
MODES = {"handshake": "handshake", "handshake-rsa": "handshake", "resume": "resume", "request": "request", "bulk": "download", "upload": "upload", "latency": "request"}
LOAD_DEVICES = {"af_xdp": "af_xdp:{device}", "memif": "memif:role=client,socket={state}/{link}.memif,socket-abstract=no,id=0,rsize=11"}


def sluice_load_yaml(the_ground, device):
    state = the_ground.state
    front, back = (LOAD_DEVICES[device].format(device=the_ground.device("load", link), state=state, link=link) for link in ("front", "back"))
    return f"""dpdk: {{ hugepages: auto, memory: 512M }}
workers: {{ cores: {json.dumps(the_ground.load_cores[-1:])}, idle: {"sleep" if device == "af_xdp" else "spin"} }}
limits: {{ connections: 2200000 }}
interfaces:
  - {{ name: front, device: "{front}", addresses: {json.dumps([a + "/24" for a in ground.LOAD_FRONT])} }}
  - {{ name: back, device: "{back}", addresses: {json.dumps([a + "/24" for a in ground.LOAD_BACK])} }}
"""


def sluice_load_said(text):
    said = json.loads(text)
    flows = said["flows"]
    failures = {}
    for f in flows:
        for why, n in f.get("failures", {}).items():
            if n:
                failures[why] = failures.get(why, 0) + n
        if f["failed"] and not failures:
            failures["failed"] = f["failed"]
    return Seen(sum(f["operations"] for f in flows), said["seconds"], flows[0]["latency_us"], failures)


def taken(the_ground, program):
    """Once sluice-load has its interfaces, a thread of the load's core runs the XDP program there; a sender's core would else."""
    until(lambda: program.poll() is not None or the_ground.polled("load"), 20, "sluice-load takes its interfaces")


def sluice_load(device):
    """At a stated rate its connections are to stand before it counts, or whoever was due meanwhile waited for handshakes."""
    def ask(the_ground, address, job, seconds, begun=None):
        def meanwhile(program):
            if device == "af_xdp":
                taken(the_ground, program)
            if begun:
                begun()

        program = the_ground.build / "app/sluice-load/sluice-load"
        if not program.exists():
            raise Trouble("sluice-load is not built")
        conf = the_ground.state / "load.yaml"
        conf.write_text(sluice_load_yaml(the_ground, device))
        sizes = ["--get", job.get] + (["--put", job.put] if job.put else [])
        text = the_ground.run("load", program, "-c", conf, MODES[job.operation], "--to", f"{address}:{ground.FRONT_PORT}",
                              *[w for a in ground.load_origins(job.connections) for w in ("--origin", a)], "--connections", job.connections,
                              *(["--rate", job.rate] if job.rate else []), "--seconds", seconds, "--warmup", 1 if job.rate else 0, "--name", papers.SITE, *sizes, "--json",
                              timeout=seconds + 60, good=(0, 1), meanwhile=meanwhile)
        return sluice_load_said(text)

    return ask


CLIENTS = {"wrk": wrk, "ab": ab, "h2load": h2load, "sluice-load over AF_XDP": sluice_load("af_xdp"), "sluice-load over memif": sluice_load("memif")}
