"""What `scripts/bench report` does: runs the benchmarks, each by its own command, and makes one report of what they found.

    scripts/bench report [--seconds N] [--only NAME,...] [--from FOLDER] [--write]

    --seconds N     handed to each benchmark; without it each takes its own time
    --only A,B      these benchmarks alone
    --from FOLDER   measures nothing: makes the report of a folder of saved ones (NAME.json, and run.json, which says when, where and under what load)
    --write         the report goes into test/versus/report, to be committed, and its summary into README.md; else all is in build-bench/report, where
                    what was measured is kept in any case
"""

import argparse
import datetime
import json
import pathlib
import subprocess
import sys
import time

import plot
import report_data as data
import report_machine as machine
import report_page as page

TOP = pathlib.Path(__file__).resolve().parents[2]
OUT, KEPT, README = TOP / "build-bench" / "report", TOP / "test" / "versus" / "report", TOP / "README.md"
# A whole report, in this order; those that this tree has not yet are left out.
NAMES = ["handshake", "handshake-rsa", "resume", "request", "bulk", "upload", "latency", "idle", "storm", "synflood", "workers", "tcp", "tls", "loss"]
RUN = "run.json"


def options(arguments):
    parser = argparse.ArgumentParser(prog="scripts/bench report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--only", type=lambda s: s.split(","))
    parser.add_argument("--from", dest="source", type=pathlib.Path)
    parser.add_argument("--write", action="store_true")
    return parser.parse_args(arguments)


def git(*command):
    return subprocess.run(["git", *command], cwd=TOP, capture_output=True, text=True, check=False).stdout.strip()


def commit():
    head = git("rev-parse", "--short=12", "HEAD")
    return (head or "no git here") + (" with changes that are not committed" if git("status", "--porcelain", "--untracked-files=no") else "")


def today():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


# ---- measuring ----
def measure_one(name, seconds, folder):
    """Runs a benchmark and saves what it wrote; one that fails has its last words in the report and the others go on."""
    arguments = [name] + (["--seconds", f"{seconds:g}"] if seconds else [])
    print(f"report: {name}", end="", file=sys.stderr, flush=True)
    started = time.monotonic()
    with machine.Load() as load, open(folder / f"{name}.log", "w+", encoding="utf-8", errors="replace") as log:
        done = subprocess.run([sys.executable, TOP / "scripts" / "bench", *arguments, "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                              text=True, check=False)
        log.seek(0)
        error = log.read()[-1200:]
    status = done.returncode
    if status == 0:
        saved = folder / f"{name}.json"
        saved.write_text(done.stdout, encoding="utf-8")
        try:
            data.load(saved)
        except ValueError as e:
            status, error = "0, but its output is not JSON of a benchmark", str(e)
            saved.unlink()
    took = time.monotonic() - started
    print(f": {took:.0f} s{'' if status == 0 else ', failed: ' + str(folder / (name + '.log'))}", file=sys.stderr)
    return {"command": " ".join(["scripts/bench", *arguments]), "took_s": round(took, 1), "load": load.found, "status": status, "error": error if status else ""}


def measure(names, seconds, folder):
    folder.mkdir(parents=True, exist_ok=True)
    clear(folder, ("*.json", "*.log"))
    run = {"date": today(), "commit": commit(), "machine": machine.describe(), "benches": {}}
    for name in names:
        run["benches"][name] = measure_one(name, seconds, folder)
        (folder / RUN).write_text(json.dumps(run, indent=1), encoding="utf-8")


# ---- reading ----
def read_benches(folder, only):
    found = {p.stem: p for p in folder.glob("*.json") if p.name != RUN}
    order = [n for n in NAMES if n in found] + sorted(set(found) - set(NAMES))
    return {n: data.load(found[n]) for n in order if not only or n in only}


def read_run(folder, benches, only):
    """When nothing was written beside the figures, what the figures say themselves."""
    everything = [r for reports in benches.values() for r in reports]
    if (folder / RUN).exists():
        run = json.loads((folder / RUN).read_text(encoding="utf-8"))
    else:
        dates = [r["date"] for r in everything if r.get("date")]
        commits = [r["commit"] for r in everything if r.get("commit")] or ["a commit that was not recorded"]
        run = {"date": max(dates, default="a day that was not recorded"), "commit": commits[0],
               "machine": machine.from_reports(everything), "benches": {n: {} for n in benches}}
    run["benches"] = {n: b for n, b in run["benches"].items() if not only or n in only}
    return run


# ---- writing ----
def clear(folder, patterns):
    for pattern in patterns:
        for old in folder.glob(pattern):
            old.unlink()


def draw(benches, folder):
    """{name: [[(file, text)] of each report]}"""
    drawn = {}
    for name, reports in benches.items():
        drawn[name] = []
        for report in reports:
            files = []
            for suffix, text, script in plot.plots(name, report):
                file = "-".join(dict.fromkeys((name, report["bench"].replace("_", "-"), suffix))) + ".svg"
                plot.draw(script, folder / file)
                files.append((file, text))
            drawn[name].append(files)
    return drawn


def write(folder, run, benches, names):
    folder.mkdir(parents=True, exist_ok=True)
    clear(folder, ("*.svg",))
    if not plot.can_draw():
        print("report: no gnuplot here, so no plots: scripts/setup --bench installs it", file=sys.stderr)
    plots = draw(benches, folder) if plot.can_draw() else {n: [[] for _ in reports] for n, reports in benches.items()}
    (folder / "report.md").write_text(page.page(run, benches, plots, names), encoding="utf-8")
    return folder / "report.md"


def main(arguments, known, build=lambda names: None):
    """`known`: the benchmarks that scripts/bench has; `build` makes their programs, before anything is measured. 0: all went well, 1: something failed."""
    chosen = options(arguments)
    names = [n for n in NAMES if n in known]
    unknown = sorted(set(chosen.only or []) - set(known)) if not chosen.source else []
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; scripts/bench list names them")
    source = chosen.source or OUT
    if not chosen.source:
        wanted = [n for n in known if n in chosen.only] if chosen.only else names
        build(wanted)
        measure(wanted, chosen.seconds, OUT)
    try:
        benches = read_benches(source, chosen.only)
    except (OSError, ValueError) as e:
        sys.exit(f"report: {e}")
    if not benches:
        sys.exit(f"nothing to report: no saved benchmark in {source}")
    run = read_run(source, benches, chosen.only)
    print(write(KEPT if chosen.write else OUT, run, benches, names))
    if chosen.write:
        README.write_text(page.put_into(README.read_text(encoding="utf-8"), page.readme_block(run, benches)), encoding="utf-8")
    print("\n" + page.summary([r for reports in benches.values() for r in reports]))
    return 1 if any(b.get("status") for b in run["benches"].values()) else 0
