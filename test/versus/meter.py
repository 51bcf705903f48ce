"""What a span of time cost: the core's busy time, the contestant's processes' time, Sluice's cycles; and what of memory it holds.

A core is busy in user, system, interrupt and softirq time. Time of niced programs is left out: contestants are not niced, and what builds or indexes in
the background should be. What the core does with nobody asking is measured in the same run and taken off (`idle_share`).
"""

import os
import time

TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")
BUSY = ("user", "system", "irq", "softirq")
FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")


def cores(text):
    """/proc/stat → {core: {field: ticks}}."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if words and words[0].startswith("cpu") and words[0] != "cpu":
            found[int(words[0][3:])] = dict(zip(FIELDS, map(int, words[1:])))
    return found


def process_ticks(text):
    """/proc/PID/stat → user and system ticks; the name may hold spaces and parentheses."""
    fields = text.rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def read(path):
    with open(path, encoding="ascii", errors="replace") as f:
        return f.read()


def all_processes_ticks(pids):
    total = 0
    for pid in pids:
        try:
            total += process_ticks(read(f"/proc/{pid}/stat"))
        except (OSError, IndexError):
            continue  # it ended
    return total


class Mark:
    """The meters at one moment."""

    def __init__(self, who, gate_cores):
        self.cycles = who.cycles() if who.cycles_known else None
        self.cores = cores(read("/proc/stat"))
        self.processes, self.polling = all_processes_ticks(who.pids()), all_processes_ticks(who.ground.polling_threads("gate"))
        self.at = time.monotonic()
        self.busy = sum(self.cores[c][f] for c in gate_cores for f in BUSY)
        self.foreign = sum(self.cores[c][f] for c in gate_cores for f in ("nice", "steal"))


def span(before, after, idle_share=0.0):
    """Microseconds that passed between two marks, of all that is metered."""
    elapsed_us = (after.at - before.at) * 1e6
    out = {"elapsed_us": elapsed_us, "core_us": max(0.0, (after.busy - before.busy) * TICK_US - idle_share * elapsed_us),
           "process_us": (after.processes - before.processes) * TICK_US,
           "polling_us": (after.polling - before.polling) * TICK_US, "foreign_share": (after.foreign - before.foreign) * TICK_US / elapsed_us}
    if after.cycles:
        hz, steps = after.cycles
        out["steps_us"] = {s: (n - before.cycles[1].get(s, 0)) * 1e6 / hz for s, n in steps.items()}
        out["cycles_us"] = sum(us for s, us in out["steps_us"].items() if s != "idle")
    return out


def idle_share(who, gate_cores, seconds=0.4):
    """The part of its time that the core is busy while nobody asks for anything."""
    before = Mark(who, gate_cores)
    time.sleep(seconds)
    after = Mark(who, gate_cores)
    return (after.busy - before.busy) * TICK_US / ((after.at - before.at) * 1e6)


# ---- memory ----
def meminfo(text):
    """/proc/meminfo → {name: bytes}."""
    return {name: int(rest.split()[0]) * 1024 for name, rest in (line.split(":", 1) for line in text.splitlines() if ":" in line)}


def available():
    """Bytes that programs could still have."""
    return meminfo(read("/proc/meminfo"))["MemAvailable"]


def sockstat(text):
    """/proc/net/sockstat → {"TCP": {"inuse": n, ...}, ...}; `mem` is in pages, of the whole machine."""
    found = {}
    for line in text.splitlines():
        name, words = line.split(":")[0], line.split()[1:]
        found[name] = {k: int(v) for k, v in zip(words[::2], words[1::2])}
    return found


def resident(pids):
    """Bytes that these processes hold in memory that is theirs (RssAnon) or shared by them (RssShmem: hugepages count elsewhere)."""
    total = 0
    for pid in pids:
        try:
            status = dict(line.split(":", 1) for line in read(f"/proc/{pid}/status").splitlines() if ":" in line)
        except OSError:
            continue
        total += sum(int(status.get(k, "0 kB").split()[0]) * 1024 for k in ("RssAnon", "RssShmem"))
    return total


def kernel_memory():
    """Bytes that the kernel holds for itself, for sockets above all: of the machine, so take differences."""
    m = meminfo(read("/proc/meminfo"))
    pages = sockstat(read("/proc/net/sockstat")).get("TCP", {}).get("mem", 0)
    return m["Slab"] + m["PageTables"] + m["KernelStack"] + m.get("Percpu", 0) + pages * os.sysconf("SC_PAGE_SIZE")
