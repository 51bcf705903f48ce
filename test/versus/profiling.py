"""Where a running Sluice's time goes while it is asked: by step of its loop (its own counters of cycles), by function (samples of perf's software clock).

A function that looks for work runs in passes that found some and in those that did not; a sample doesn't tell. So the share of samples that idle passes took comes from
the counters, and what they consist of from a second recording, of the same Sluice with nobody asking: taken off, it leaves what work costs. Functions that an
idle Sluice spends its time in are marked as polling.

Stacks come by DWARF (release builds keep no frame pointers, and there is no branch record here): 8 KiB of stack a sample, only for a flame graph. A handshake
runs on a stack of its own, so it stands there beside the loop.
"""

import argparse
import collections
import contextlib
import json
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

import flame
from clients import CLIENTS
from ground import Trouble

HZ = 1999
THREAD = re.compile(r"(rte|lcore|dpdk)-worker")  # EAL's name for a worker, by version
POLLS_FROM = 0.02  # of an idle Sluice's samples: a function with more is one that polls
HAD_CORE = 0.9  # of the time, below which others disturbed a spinning worker
IDLE_ENOUGH = 100  # samples, to tell what idle passes consist of

Frame = collections.namedtuple("Frame", "function where")


# ---- recording ----
def worker_threads(pid):
    """Those of a process; none of one that has ended."""
    found = []
    with contextlib.suppress(OSError):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            if THREAD.match((task / "comm").read_text()):
                found.append(int(task.name))
    return sorted(found)


def thread_s(tids):
    """Processor time of threads, in seconds."""
    return sum(int(pathlib.Path(f"/proc/{tid}/schedstat").read_text().split()[0]) for tid in tids) / 1e9


def record(tids, seconds, path, stacks=False):
    """[[Frame]], innermost first, of `seconds` from now."""
    command = ["perf", "record", "-q", "-o", path, "-e", "cpu-clock", "-F", str(HZ), "-t", ",".join(map(str, tids))]
    done = subprocess.run([*command, *(["--call-graph", "dwarf,8192"] if stacks else []), "--", "sleep", f"{seconds:g}"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"perf record: {done.stderr[-800:]}")
    # An idle Sluice may have slept through it all: no samples are no error.
    script = subprocess.run(["perf", "script", "-i", path, "--no-inline", "-F", "ip,sym,dso"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return parse(script.stdout, stacks)


def parse(text, stacks):
    """What `perf script -F ip,sym,dso` writes: a line a frame; with stacks, blank lines between samples."""
    samples, sample = [], []
    for line in text.splitlines():
        found = re.match(r"\s*[0-9a-f]+ (.*) \(([^()]*(?:\([^()]*\))?)\)\s*$", line)
        if found:
            if found.groups() != ("[unknown]", "[unknown]"):  # where a stack of a fiber ends
                sample.append(frame(*found.groups()))
        if sample and (not stacks or not line.strip()):
            samples.append(sample)
            sample = []
    return samples + ([sample] if sample else [])


def frame(symbol, dso):
    """Where: kernel, program or library without its path and version; a function without a name has its library's."""
    where = "kernel" if "kernel" in dso or dso.endswith(".ko") else re.sub(r"\.so[\d.]*$", "", dso.rsplit("/", 1)[-1])
    name = re.sub(r"\+0x[0-9a-f]+$", "", symbol)
    return Frame(f"in {where}" if name == "[unknown]" else name, where)


# ---- by step ----
def by_step(before, after, operations):
    """[(step, microseconds an operation, share of busy time, share of all)]; before and after are (hz, {step: cycles}). Idle stands last, without what is of work."""
    spent = {s: n - before[1].get(s, 0) for s, n in after[1].items()}
    idle = spent.pop("idle", 0)
    busy = sum(spent.values())
    everything = busy + idle
    rows = [*spent.items(), ("busy, all", busy)]
    return [(s, 1e6 * n / after[0] / operations, n / max(busy, 1), n / max(everything, 1)) for s, n in rows] + [("idle", None, None, idle / max(everything, 1))]


# ---- by function ----
def counted(samples):
    """{innermost Frame: share of samples}"""
    n = collections.Counter(s[0] for s in samples)
    return {f: c / len(samples) for f, c in n.most_common()}


def idle_share(busy_s, run_s):
    """Of the thread's processor time, what passes took that found nothing."""
    return min(1.0, max(0.0, 1 - busy_s / run_s)) if run_s > 0 else 0.0


def by_function(samples, idle_samples, idle):
    """[(Frame, share of samples, share of what is left without idle passes, whether it polls)], most work first."""
    shares, quiet = counted(samples), counted(idle_samples) if len(idle_samples) >= IDLE_ENOUGH else {}
    left = {f: max(0.0, share - idle * quiet.get(f, 0.0)) for f, share in shares.items()} if quiet else dict(shares)
    total = sum(left.values()) or 1
    rows = [(f, share, left[f] / total, quiet.get(f, 0) >= POLLS_FROM) for f, share in shares.items()]
    return sorted(rows, key=lambda r: -r[2])


# ---- tables ----
def percent(v):
    return "" if v is None else f"{100 * v:.1f} %"


def aligned(rows):
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(c.ljust(w) if i == 0 or i == len(r) - 1 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))).rstrip() for r in rows)


def steps_text(rows):
    body = [[s, "" if us is None else f"{us:.3f}", percent(busy), percent(everything), ""] for s, us, busy, everything in rows]
    return aligned([["step", "µs an operation", "of busy", "of all", ""]] + body)


def functions_text(rows, most=40):
    shown = rows[:most]
    rest = [sum(r[i] for r in rows[most:]) for i in (1, 2)]
    body = [[f.function, percent(work), percent(share), "polls" if polls else "", f.where] for f, share, work, polls in shown]
    if rows[most:]:
        body.append([f"{len(rows) - most} more", percent(rest[1]), percent(rest[0]), "", ""])
    return aligned([["function", "of work", "of samples", "", "where"]] + body)


def libraries_text(rows):
    sums = collections.Counter()
    for f, _, work, _ in rows:
        sums[f.where] += work
    return aligned([["where", "of work", ""]] + [[w, percent(v), ""] for w, v in sums.most_common()])


# ---- all of it ----
def observe(gate, pid, load, seconds, folder, stacks=False):
    """Runs `load()`, which returns how many operations it made (more than none), beside a Sluice whose cycles `gate.cycles()` tells. `seconds` is how long the
    load takes: the recording is of its middle. → what `text` makes tables of."""
    tids = worker_threads(pid)
    if not tids:
        raise RuntimeError(f"process {pid} has no thread of a worker")
    idle_samples = record(tids, 1.5, folder / "idle.perf", stacks)
    got, failed = [], []

    def ask():
        try:
            got.append(load())
        except Exception as e:  # pylint: disable=broad-exception-caught
            failed.append(e)

    before = gate.cycles()
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        head = min(1.0, seconds / 4)
        asking.join(head)  # not before the load is under way
        middle, middle_ran, middle_at = gate.cycles(), thread_s(tids), time.monotonic()
        samples = record(tids, max(0.5, seconds - 2 * head), folder / "busy.perf", stacks)
        end, end_ran, end_at = gate.cycles(), thread_s(tids), time.monotonic()
    finally:
        asking.join()
    after = gate.cycles()
    if failed:
        raise failed[0]
    busy_s = sum(n - middle[1].get(s, 0) for s, n in end[1].items() if s != "idle") / end[0]
    return {"steps": by_step(before, after, got[0]), "operations": got[0], "samples": samples, "idle_samples": idle_samples,
            "idle": idle_share(busy_s, end_ran - middle_ran), "had_core": (end_ran - middle_ran) / (end_at - middle_at) / len(tids)}


def text(seen):
    rows = by_function(seen["samples"], seen["idle_samples"], seen["idle"])
    known = len(seen["idle_samples"]) >= IDLE_ENOUGH
    polling = (f"{percent(seen['idle'])} of the samples are of passes that found nothing" +
               (", taken off in `of work`; `polls`: what an idle Sluice spends its time in." if known else
                f"; an idle Sluice slept ({len(seen['idle_samples'])} samples), so they could not be told apart: `of work` has them still."))
    disturbed = [] if seen["had_core"] > HAD_CORE else [
        f"\nDisturbed: the worker spins and had its core for {100 * seen['had_core']:.0f} % of the time; the time of others is in its cycles, and idle passes "
        "are taken for fewer than they were."]
    return "\n".join([f"{seen['operations']:,} operations\n", steps_text(seen["steps"]), "", f"{len(seen['samples'])} samples. {polling}\n", functions_text(rows), "",
                      libraries_text(rows), *disturbed])


# ---- with the harness ----
def options(arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench profile NAME", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--client", help="who asks; sluice-load over memif when the bench and the tree have it, else wrk")
    parser.add_argument("--rate", type=float, default=0, help="operations a second, where the client can keep one (h2load, sluice-load); else as fast as answers come")
    parser.add_argument("--flame", type=pathlib.Path, metavar="FILE", help="a flame graph, as SVG")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def client_of(bench, wanted, build):
    """memif first, for it is Sluice alone that is seen there."""
    among = [c for c in bench.clients if c in CLIENTS and (not c.startswith("sluice-load") or (build / "app/sluice-load/sluice-load").exists())]
    order = [wanted] if wanted else [c for c in among if c.endswith("memif")] + among
    found = next((c for c in order if c in among), None)
    if found is None:
        raise RuntimeError(f"{'nobody here' if not wanted else wanted} can ask for this; there are {', '.join(among) or 'none'}")
    return found


def worker_process(gate):
    """Of the gate's processes the one that has workers."""
    found = [pid for pid in gate.pids() if worker_threads(pid)]
    if not found:
        raise RuntimeError("no process with workers runs in the gate's namespace")
    return found[0]


def main(name, arguments, build, make=lambda: None):
    """Runs a bench's load against the Sluice of a build, with a worker that spins, and prints where its time went. `make` builds it."""
    chosen = options(arguments)
    make()
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):  # the ground is removed in any case
        signal.signal(sign, lambda number, _: sys.exit(128 + number))
    try:
        run(name, chosen, build)
    except (RuntimeError, Trouble) as e:
        sys.exit(f"profile {name}: {e}")


def run(name, chosen, build):
    import benches  # pylint: disable=import-outside-toplevel
    import contestants  # pylint: disable=import-outside-toplevel
    import runs  # pylint: disable=import-outside-toplevel

    bench = benches.BENCHES[name]
    client = client_of(bench, chosen.client, build)
    if client == "h2load" and not chosen.rate:
        raise RuntimeError("h2load keeps a rate: say which by --rate N")
    who = contestants.Contestant("sluice", client, "memif" if client.endswith("memif") else "af_xdp", "spin", "cycles_us")
    settings = argparse.Namespace(build=build, seconds=chosen.seconds, rounds=1, against=[])
    job = contestants.job_of(name, bench, chosen.rate)
    with runs.Prepared(settings) as the_ground, who.running(the_ground, bench, settings) as gate:
        def load():
            seen = who.ask(the_ground, gate, job, chosen.seconds)
            if seen.failures or not seen.operations:
                raise RuntimeError(f"{seen.operations} operations, failures {seen.failures}")
            return seen.operations

        if who.device != "memif":
            who.ask(the_ground, gate, job, 1)
        seen = observe(gate, worker_process(gate), load, chosen.seconds, the_ground.state, stacks=chosen.flame is not None)
    print(json.dumps(as_json(name, who.way(), seen), indent=1) if chosen.json else f"{name}: {who.way()}; {bench.text}\n\n{text(seen)}")
    if chosen.flame:
        polls = {f for f, _, _, p in by_function(seen["samples"], seen["idle_samples"], seen["idle"]) if p}
        chosen.flame.write_text(flame.svg(f"{name}: {who.way()}", seen["samples"], polls), encoding="utf-8")
        print(chosen.flame, file=sys.stderr)


def as_json(name, way, seen):
    rows = by_function(seen["samples"], seen["idle_samples"], seen["idle"])
    return {"profile": name, "way": way, "operations": seen["operations"], "samples": len(seen["samples"]), "idle_share": seen["idle"], "had_core": seen["had_core"],
            "steps": [{"step": s, "us": us, "of_busy": b, "of_all": a} for s, us, b, a in seen["steps"]],
            "functions": [{"function": f.function, "where": f.where, "of_samples": share, "of_work": work, "polls": p} for f, share, work, p in rows]}
