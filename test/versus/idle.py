"""What a connection costs in memory while nothing happens on it, and whether it still works afterwards.

A contestant's own: what its processes have more of (resident), and what the kernel has more of on its side. With the client `hold` both ends of the client's
and of the origin's kernel sockets are on this machine: what the kernel needs for the load's ends is seen where Sluice, which has none, stands between,
and taken off. Others who use the machine disturb the kernel's part.
"""

import contextlib
import json
import signal
import subprocess
import sys
import time

import contestants
import ground
import meter
import papers
import report
from clients import sluice_load_yaml
from ground import Trouble, until

ROUNDS, LONGEST_S, SETTLE_S = 3, 600, 1
LOAD_CONNECTIONS = 100000
MILLION, MILLION_NEEDS_GIB = 1000000, 8  # of both ends and of packet buffers together; and what is left to the machine


def connections(the_ground, contestant, bench, options):
    """A process has two files for each connection that it carries in the kernel's sockets."""
    wanted = bench.connections if contestant.kernel_client() else options.connections or (MILLION if contestant.device == "memif" else LOAD_CONNECTIONS)
    return wanted if contestant.is_sluice() and not contestant.kernel_client() else min(wanted, the_ground.files // 2 - 500)


def command(the_ground, contestant, address, n):
    if contestant.kernel_client():
        return [sys.executable, contestants.HERE / "hold.py", address, ground.FRONT_PORT, the_ground.state / "ca.crt", papers.SITE, "/100", 100, n]
    conf = the_ground.state / "load.yaml"
    conf.write_text(sluice_load_yaml(the_ground, contestant.device if contestant.is_sluice() else "af_xdp"))
    origins = [w for a in ground.load_origins(n) for w in ("--origin", a)]
    return [the_ground.build / "app/sluice-load/sluice-load", "-c", conf, "hold", "--to", f"{address}:{ground.FRONT_PORT}", *origins, "--connections", n, "--get", 100,
            "--seconds", LONGEST_S, "--name", papers.SITE, "--json"]


@contextlib.contextmanager
def holding(the_ground, contestant, it, n):
    """The client with all its connections open."""
    said = the_ground.state / "hold.out"
    with open(said, "w", encoding="utf-8") as out:
        client = the_ground.start("load", *command(the_ground, contestant, it.address, n), out=out, err=out)
    try:
        if not contestant.kernel_client() and contestant.device != "memif":
            until(lambda: client.poll() is not None or the_ground.polled("load"), 20, "sluice-load takes its interfaces")
        until(lambda: it.check_alive() or client.poll() is not None or '"held"' in said.read_text(), LONGEST_S, f"{n} connections are held")
        if client.poll() is not None:
            raise Trouble(f"not all were held: {said.read_text()[-300:]}")
        yield client, said
    finally:
        the_ground.end(client)


def memory(it):
    out = {"process": meter.resident(it.pids()), "kernel": meter.kernel_memory()}
    return out | ({"buffers": it.counters()["worker.pool_data_free"]} if it.cycles_known else {})


def one_run(the_ground, contestant, bench, options):
    """Bytes of a connection, by whose they are, and buffers that are held."""
    n = connections(the_ground, contestant, bench, options)
    with contestant.running(the_ground, bench._replace(connections=n), options) as it:
        before = memory(it)
        with holding(the_ground, contestant, it, n) as (client, said):
            time.sleep(SETTLE_S)
            after = memory(it)
            client.send_signal(signal.SIGUSR1)
            client.wait(LONGEST_S)
        if client.returncode:
            raise Trouble(f"a held connection did not serve: {said.read_text()[-300:]}")
    asked = [json.loads(line) for line in said.read_text().splitlines() if line.startswith("{")]
    return {"connections": n, "asked": asked[-1].get("asked"), **{k: (after[k] - before[k]) / n for k in before}}


def field(bench, options):
    """Sluice once for each client: it spins or not, memory is the same. A million over memif, where setting them up takes least."""
    found = [c for c in contestants.field(bench, options) if not (c.is_sluice() and c.idle == "spin" and c.device != "memif")]
    enough = options.connections or meter.available() >= MILLION_NEEDS_GIB << 30
    return [c for c in found if enough or c.device != "memif"]


def sides(build):
    """What Sluice has of an idle connection on each side, by the sizes of its structures: bench_tls_memory adds up the same."""
    done = subprocess.run([build / "test/bench/bench_tls_memory"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Trouble(f"bench_tls_memory ended with status {done.returncode}")
    of = {f["name"]: f["bytes"] for f in json.loads(done.stdout)["figures"] if f["who"] == "sluice" and "variant" not in f}
    place = of["two places in the table, half full"] / 2
    client = of["tls connection"] + of["name that the client sent"] + of["tcp connection, client's side"] + place
    return {"client_side_bytes": client, "upstream_side_bytes": of["tcp connection, origin's side"] + of["exchange"] + place}


def figure(contestant, taken, load_kernel, of_sides):
    own = [max(0.0, s["kernel"] - load_kernel) for s in taken]
    out = {"name": "idle", "who": contestant.who, "bytes": report.spread([s["process"] + k for s, k in zip(taken, own)]),
           "process_bytes": report.spread([s["process"] for s in taken]), "kernel_bytes": report.spread(own), "connections": taken[0]["connections"]}
    if contestant.is_sluice():
        out |= {"buffers_held": round(0.0 - report.spread([s["buffers"] for s in taken])["median"], 2)} | of_sides
    return out | {"way": f"{contestant.client.split(' ')[0]}{', memif' if contestant.device == 'memif' else ''}; resident memory and the kernel's"}


def figures(samples, of_sides):
    """The load's part of the kernel's memory is what the kernel has more of while Sluice, which uses none of it, stands between."""
    out = []
    for client in dict.fromkeys(c.client for c in samples.field):
        of = {c: taken for c, taken in samples.seen.items() if c.client == client and taken}
        sluices = [s["kernel"] for c, taken in of.items() if c.is_sluice() for s in taken]
        load_kernel = report.spread(sluices)["median"] if sluices else 0.0
        out += [figure(c, taken, load_kernel, of_sides) for c, taken in of.items()]
    return out
