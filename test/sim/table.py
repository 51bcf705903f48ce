"""What `scripts/bench sim` does: the whole grid and all cases of flows that share a bottleneck, as tables in git (grid.txt, share.txt).

Time is virtual and chance is decided by seeds: the same tree gives the same tables on every machine and with every build. What a change of TCP
does is their diff. A changed cell alone says little where frames are lost, for other frames are; the means over many cells do.
"""

import concurrent.futures
import json
import math
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SEEDS = 3  # of the cases at a bottleneck
CHANGED = 0.05
CONDITION = ["loss", "reorder", "duplicate", "rtt_ms", "mtu"]
COLUMNS = [(window, way) for window in ("8192", "1048576") for way in ("up", "down", "both")]
SHARE = ["jain", "used", "again", "queue_p50_ms", "queue_p95_ms", "short_p50_ms", "short_p95_ms"]

GRID_HEAD = """# Goodput in kB/s (1000 bytes), three significant digits, by `scripts/bench sim --write`: one bulk transfer over a gigabit link
# that loses, reorders (2 %, up to a round trip late) and repeats so many per cent of the frames. Columns: receive buffers of 8 KiB
# and of 1 MiB; up: the client sends, down: the server, both: both at once (their sum). Geometric means of 2 to 16 runs.
"""
SHARE_HEAD = """# Flows that share a bottleneck (test/sim/share.c says which), by `scripts/bench sim --write`: means of 3 runs. jain: the least of the
# runs; used: of the link; again: segments sent again; queue: what a frame waits; short: a 50 kB flow's time beside the rest; flows: kB/s of each.
"""


def run(program, *arguments):
    done = subprocess.run([program, *arguments, "--show"], stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.splitlines()
    bad = [line for line in lines if line.startswith("FAILED")]
    if done.returncode and not bad:
        bad = [f"sim {' '.join(arguments)} ended with status {done.returncode}"]
    return [dict(w.split("=", 1) for w in line.split() if "=" in w) for line in lines if line.startswith(("cell ", "share case="))], bad


def run_all(program, jobs):
    parts = jobs * 8
    work = [("--share", "all", "--seeds", "1", "--first", str(seed + 1)) for seed in range(SEEDS)]
    work += [("--grid", str(parts), "--first", str(i + 1)) for i in range(parts)]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(lambda w: run(program, *w), work))
    figures = [f for fs, _ in results for f in fs]
    return [f for f in figures if "window" in f], [f for f in figures if "case" in f], [b for _, bad in results for b in bad]


def digits(v):
    """Three significant digits without an exponent."""
    if v <= 0:
        return "0"
    decimals = 2 - math.floor(math.log10(v))
    return f"{round(v, decimals):.{max(0, decimals)}f}"


def grid_table(figures):
    rows = {}
    for f in figures:
        rows.setdefault(tuple(f[c] for c in CONDITION), {})[f["window"], f["way"]] = digits(float(f["goodput"]) / 1000)
    return {k: [rows[k][c] for c in COLUMNS] for k in sorted(rows, key=lambda k: [float(v) for v in k])}


def share_table(figures):
    runs, rows = {}, {}
    for f in figures:
        runs.setdefault((f["case"], f["cc"]), []).append(f)
    for key, fs in runs.items():
        mean = {m: sum(float(f[m]) for f in fs) / len(fs) for m in SHARE}
        mean["jain"] = min(float(f["jain"]) for f in fs)
        flows = [sum(v) / len(v) for v in zip(*([float(x) for x in f["flows_kBps"].split(",")] for f in fs))]
        rows[key] = [digits(mean[m]) for m in SHARE] + [",".join(digits(v) for v in flows)]
    return rows


def text_of(head, columns, table):
    rows = [columns] + [[*key, *values] for key, values in table.items()]
    widths = [max(len(r[i]) for r in rows) for i in range(len(columns) - 1)]
    return head + "".join("  ".join([*(c.rjust(w) for c, w in zip(r, widths)), r[-1]]).rstrip() + "\n" for r in rows)


def read(name, n_key):
    path = HERE / name
    rows = [line.split() for line in path.read_text().splitlines() if not line.startswith("#")] if path.exists() else []
    return {tuple(r[:n_key]): r[n_key:] for r in rows[1:]}


def mean(logs):
    return round(math.exp(sum(logs) / len(logs)), 4) if logs else None


def compare(old, new):
    """Ratios to the file's: of cells beyond CHANGED, of all cells, by loss."""
    changed, logs = [], {}
    for key, values in new.items():
        for column, now in zip(COLUMNS, values):
            was = old.get(key, [None] * len(COLUMNS))[COLUMNS.index(column)]
            if was is None or float(was) == 0 or float(now) == 0:
                continue
            ratio = float(now) / float(was)
            logs.setdefault(key[0], []).append(math.log(ratio))
            if abs(ratio - 1) > CHANGED:
                changed.append({**dict(zip(CONDITION, key)), "window": column[0], "way": column[1], "was": float(was), "now": float(now),
                                "ratio": round(ratio, 3)})
    return {"changed": changed, "mean": mean([v for vs in logs.values() for v in vs]), "by_loss": {k: mean(v) for k, v in logs.items()}}


def show(difference, shares, old_shares):
    for c in difference["changed"]:
        print(" ".join(f"{k}={v}" for k, v in c.items()))
    print(f"\n{len(difference['changed'])} cells changed by more than {CHANGED:.0%}; mean ratio {difference['mean']}, by loss: "
          + ", ".join(f"{k} %: {v}" for k, v in difference["by_loss"].items()))
    for key, values in shares.items():
        was = old_shares.get(key)
        if was != values:
            print(f"{' '.join(key)}:")
            for name, a, b in zip([*SHARE, "flows"], was or ["-"] * (len(SHARE) + 1), values):
                if a != b:
                    print(f"    {name:14}{a:>10} -> {b}")


def main(program, options):
    jobs = int(options[options.index("--jobs") + 1]) if "--jobs" in options else len(os.sched_getaffinity(0))
    grid_figures, share_figures, bad = run_all(str(program), jobs)
    grid, shares = grid_table(grid_figures), share_table(share_figures)
    if "--write" in options:
        columns = CONDITION + [f"{int(window) >> 10}K-{way}" for window, way in COLUMNS]
        (HERE / "grid.txt").write_text(text_of(GRID_HEAD, columns, grid))
        (HERE / "share.txt").write_text(text_of(SHARE_HEAD, ["case", "cc", *SHARE, "flows"], shares))
    else:
        difference = compare(read("grid.txt", len(CONDITION)), grid)
        if "--json" in options:
            print(json.dumps({"grid": grid_figures, "share": share_figures, "compared": difference, "failed": bad}, indent=1))
        else:
            show(difference, shares, read("share.txt", 2))
    for line in bad:
        print(line, file=sys.stderr)
    return 1 if bad else 0
