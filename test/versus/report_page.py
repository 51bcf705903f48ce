"""The report as Markdown: the machine, a summary against the aims, a section a benchmark, and what none of it shows."""

import report_data as data

TITLES = {"name": "operation", "who": "who", "way": "way", "us": "µs", "process_us": "processes alone, µs", "polling_us": "receiving threads, µs", "per_s": "per second", "ratio": "ratio",
          "mb_per_s": "MB/s", "ns": "ns", "gb_per_s": "GB/s"}
LONG_TABLE = 30  # rows; a longer one is folded

LIMITS = """
- **A shared, virtual machine.** Figures of one run were taken in turns and their ratios hold better than they do; the load beside each benchmark says how
  disturbed it was. The lines of the plots go from the 10th to the 90th percentile of the runs: what lies inside them is no difference.
- **Two cores.** The contestant has one, alone; client, origin and all else share the rest, and are often the limit. So the figure is the contestant's core time
  for an operation, not the most operations a second that it could do: a core divided by its core time would be that if nothing else stood in the way, and
  something does.
- **Two meters.** *Core time* is the same for all: the time that the contestant's core was busy, less what it is busy while nobody asks, programs of low
  priority left out; Sluice's worker sleeps when idle there. *Busy cycles* are Sluice's own count, of a worker that spins: the passes of its loop that found
  something to do, each from its beginning to its end, system calls and whoever took the core meanwhile included; what the kernel does to hand frames to AF_XDP
  runs on the client's core then, and is not in it. Only core time beside core time is like for like.
- **Busy time is not throughput at the wire.** A pass with one packet costs as much of a loop as one with 32, so time for an operation falls as load rises, for
  the others too. Neither meter says what a network card, its interrupts, its queues and the bus would cost.
- **veth and memif are no network cards.** No DMA, no RSS, no checksums or segmentation by hardware. AF_XDP on veth copies each packet, and the kernel's part of
  it is a large part of Sluice's figure; memif has no kernel and no driver in it, the others cannot use it, and a ratio between the two is not like for like.
- **The kernel's work for one side can run on the core of another.** On a veth the sender's core runs the receiver's stack unless it is told otherwise;
  test/versus/README.md says how it was told and what is left.
- **Not the same work.** nginx and HAProxy in their HTTP modes read each request; Sluice, hitch and the stream modes pass bytes. The others have features that
  Sluice has not (README.md, "Not there yet").
- **Distribution packages.** The others are Debian's builds with Debian's OpenSSL; another TLS library or an accelerator would change them.
- **Latencies beside core time are a closed loop's**: a client that waits asks less while the server stalls, so the last percentiles flatter. Those of `latency`
  are at a stated rate; with h2load a late answer still delays the next request of its connection.
- **One kind of TLS**: 1.3 with X25519 and AES-128-GCM, as the harness checks; nothing is said of 1.2, of other groups and suites, of X25519MLKEM768.
- **Memory** is what processes and kernel hold more of while connections are open, divided by their number; what Sluice reserves at its start for all
  connections together (packet buffers, tables) counts only as far as it is touched after that, hugepages not at all; what else the machine does with its
  kernel's memory is in it. Rivals hold fewer connections where one process may not have more open files (`ulimit -Hn`), and fixed costs weigh more on fewer.
- **Workers.** On two cores there is one worker: `workers` says nothing of scaling then, and shows beside `request` what two runs differ by.
- **synflood** is not core time: it is how long honest clients wait for their connections.
- One worker unless a benchmark says otherwise, small certificates of one issuer, no losses, no path longer than this machine; a real card has not been tried.
"""


def table(rows):
    """Markdown of [[cell]], the first row its head; figures are to the right where a whole column is of them."""
    texts = [[str(c).replace("|", "\\|").replace("\n", " ") for c in r] for r in rows]
    right = [t not in ("operation", "way", "who") and all(not r[i] or r[i][:1].isdigit() for r in texts[1:]) for i, t in enumerate(texts[0])]
    lines = ["| " + " | ".join(r) + " |" for r in texts]
    return "\n".join([lines[0], "|" + "|".join("---:" if r else "---" for r in right) + "|", *lines[1:]]) + "\n"


# ---- the first page ----
def memory(machine):
    size = machine.get("memory_bytes")
    return f"{size / (1 << 30):.0f} GiB" if size else None


def versions(machine):
    return ", ".join(f"{name} {v}" for name, v in machine["versions"].items())


def machine_line(machine):
    """The machine in a line, for a README."""
    words = [machine["cpu"], f"{machine['cores']} cores" if machine.get("cores") else None, memory(machine),
             f"Linux {machine['kernel']}" if machine.get("kernel") else None, "a virtual machine" if str(machine.get("virtual")).startswith("yes") else None]
    return ", ".join(w for w in words if w)


def load_of(run):
    loads = [b["load"] for b in run["benches"].values() if b.get("load")]
    if not loads:
        return None
    least, most = min(b["least"] for b in loads), max(b["most"] for b in loads)
    return (f"load average {least} to {most} (the benchmarks' own load is part of it; {loads[0]['before']} before the first); "
            f"stolen by the hypervisor: up to {max(b['stolen_percent'] for b in loads)} % of a benchmark's time")


def first_page(run):
    m = run["machine"]
    rows = [("date", run["date"]), ("commit", run["commit"]), ("processor", m["cpu"]), ("instructions that matter", ", ".join(m["flags"])),
            ("cores", m.get("cores")), ("memory", memory(m)), ("kernel", m.get("kernel")), ("virtual machine", m.get("virtual")), ("versions", versions(m)), ("other load", load_of(run))]
    return "# What Sluice costs, and what others do\n\n" + table([["", ""]] + [[k, v if v not in (None, "") else "not recorded"] for k, v in rows])


# ---- the summary ----
def is_versus(report):
    return "aims" in report or any("way" in f for f in report["figures"])


def nearest(among, way):
    """Those who were asked the same way; else by the same client; else all. Over memif nobody else can be asked: there it is all of them."""
    if "memif" in (way or ""):
        return among
    same = [f for f in among if f.get("way") == way]
    return same or [f for f in among if data.client(f.get("way")) == data.client(way)] or among


def best(among, default=None):
    metric = data.metric(among[0]) if among else None
    return (min if metric and data.METRICS[metric][2] else max)(among, key=lambda f: data.number(f, metric), default=default)


def rivals(figures, ours):
    """Figures of others about the same as this one of ours."""
    return nearest([f for f in figures if f["who"] != data.OURS and data.same_work(f, ours)], ours.get("way"))


def of_aim(report, aim):
    """(operation, way, our figure, the rival's): an aim names an operation and a way, or a way alone, of the benchmark's one operation."""
    figures = [f for f in report["figures"] if data.metric(f)]
    way = aim["way"] if "way" in aim else aim["name"]
    mine = [f for f in figures if f["who"] == data.OURS and f.get("way") == way and ("way" not in aim or f.get("name") == aim["name"])]
    # Memory has no meter of time in its way; whoever asked is enough.
    mine = mine or [f for f in figures if f["who"] == data.OURS and data.metric(f) == "bytes" and data.client(f.get("way")) == data.client(way)]
    others = rivals(figures, mine[0]) if mine else []
    others = [f for f in others if f["who"] == aim["best_rival"]] or others if aim.get("best_rival") else others
    return aim["name"] if "way" in aim else report["bench"], mine[0]["way"] if mine else way, mine[0] if mine else None, best(others)


def ratio(ours, rival):
    metric = data.metric(ours)
    mine, theirs = data.number(ours, metric), data.number(rival, metric)
    top, bottom = (theirs, mine) if data.METRICS[metric][2] else (mine, theirs)
    return top / bottom if bottom else None


def measured(figure, beside=None):
    """A figure with its spread; a rival's also with its name and with what is other about its way than that of ours beside it."""
    if figure is None:
        return "not measured"
    metric = data.metric(figure)
    mid, low, high = data.spread(figure, metric)
    text = f"{data.digits(mid)} {data.METRICS[metric][1]}".strip() + (f" ({data.digits(low)}..{data.digits(high)})" if high > low else "")
    if beside is None:
        return text
    way, ours = figure.get("way", ""), beside.get("way", "")
    return f"{text}, {figure['who']}" + ("" if way == ours else f" ({way.split(', ', 1)[-1] if data.client(way) == data.client(ours) else way})")


def subject(report, figure):
    """What was done, and what of it was measured where that is not its cost."""
    text = data.words(data.about(figure))
    return {"p99_us": f"{text}, 99th percentile", "mb_per_s": f"{report['bench']} {text}, goodput"}.get(data.metric(figure), text)


def summary_rows(reports):
    """[operation, way, Sluice, best rival, ratio, aim, met or missed] of all that has an aim, then of all that has a rival."""
    rows = []
    for r in reports:
        done = []
        for a in r.get("aims") or []:
            operation, way, ours, rival = of_aim(r, a)
            reached = a.get("reached")
            state = "not measured" if reached is None else "met" if reached >= a["aim"] else "missed"
            rows.append([operation, way, measured(ours), measured(rival, ours or {}), times(reached), times(a["aim"]), state])
            done.append(ours)
        for f in r["figures"]:
            rival = best(rivals(r["figures"], f)) if f["who"] == data.OURS and data.metric(f) and f not in done else None
            if rival:
                rows.append([subject(r, f), f.get("way", ""), measured(f), measured(rival, f), times(ratio(f, rival)), "none", ""])
    return rows


def times(v):
    return "" if v is None else f"{v:.2f} ×".replace(".00 ×", " ×") if v < 100 else f"{v:,.0f} ×"


def summary(reports):
    """Text and table, or why there is none."""
    rows = summary_rows([r for r in reports if is_versus(r)])
    if not rows:
        return "Nothing here was measured against others.\n"
    count = {s: sum(r[-1] == s for r in rows) for s in ("met", "missed", "not measured")}
    alike = [r for r in rows if r[-1] in ("met", "missed") and "busy cycles" not in r[1] and "memif" not in r[1]]
    text = "Aims: " + ", ".join(f"{n} {state}" for state, n in count.items() if n or state != "not measured") + ". "
    text += f"Like for like (core time, memory) are {len(alike)} of them, of which {sum(r[-1] == 'met' for r in alike)} met; the others are busy cycles or memif.\n"
    worse = list(dict.fromkeys(f"{r[0]} ({r[1].split(';')[0]})" for r in rows if r[4][:2] == "0."))
    text += f"Sluice is the worse one in: {', '.join(worse)}.\n" if worse else ""
    remarked = [r["bench"] for r in reports if r.get("remarks")]
    text += f"Remarks were made during {', '.join(remarked)}: read them beside the figures.\n" if remarked else ""
    return text + "\n" + table([["operation", "way", "Sluice", "best rival", "ratio", "aim", "the aim is"]] + rows)


# ---- a section a benchmark ----
def cells(figure):
    """A figure as columns: {title: text}. What a process spent says nothing of a worker that spins."""
    out = {}
    spins = "busy cycles" in figure.get("way", "")
    for key, v in figure.items():
        if spins and key in ("process_us", "polling_us"):
            continue
        title = TITLES.get(key, key.replace("_us", ", µs").replace("_", " "))
        if key == "ratio" and isinstance(v, dict):
            out[title] = f"{v['times']:.2f} × {v['to']}"
        elif isinstance(v, dict) and "median" in v:
            mid, low, high = data.spread(figure, key)
            out[title] = data.digits(mid) + (f" ({data.digits(low)}..{data.digits(high)})" if high > low else "")
        elif key.endswith("latency_us") and isinstance(v, dict):
            out |= {f"{k} µs": data.digits(x) for k, x in v.items() if k[:1] == "p" and x is not None}
        elif isinstance(v, dict):
            out[title] = ", ".join(f"{k} {data.digits(x)}" for k, x in v.items())
        elif v is not None:
            out[title] = data.digits(v) if isinstance(v, (int, float)) and not isinstance(v, bool) else str(v)
    return out


def figures_table(figures):
    """Columns that say the same in every row stand above the table."""
    rows = [cells(f) for f in figures]
    keep = ["operation", "way", "who"]
    titles = list(dict.fromkeys(t for r in rows for t in r))
    titles = [t for t in keep if t in titles] + [t for t in titles if t not in [*keep, "ratio"]] + [t for t in titles if t == "ratio"]
    same = [t for t in titles if t not in keep and len(rows) > 1 and len({r.get(t) for r in rows}) == 1]
    shown = [t for t in titles if t not in same]
    text = table([shown] + [[r.get(t, "") for t in shown] for r in rows])
    if len(rows) > LONG_TABLE:
        text = f"<details><summary>{len(rows)} figures</summary>\n\n{text}\n</details>\n"
    return (f"All: {', '.join(f'{t} {rows[0][t]}' for t in same)}.\n\n" if same else "") + text


def section(name, reports, plots, run):
    """`plots` are [(file name, text)] of each report."""
    info = run["benches"].get(name, {})
    out = [f"## {name}\n", f"    {info.get('command') or reports[0].get('command') or f'scripts/bench {name}'}\n"]
    load = info.get("load")
    if load:
        out.append(f"Took {info['took_s']:.0f} s; load average {load['least']} to {load['most']}, stolen {load['stolen_percent']} %.\n")
    for r, drawn in zip(reports, plots):
        if len(reports) > 1:
            out.append(f"### {r['bench']}\n")
        out += [f"![{text}]({file})\n" for file, text in drawn]
        out.append(figures_table(r["figures"]) if r["figures"] else "No figures.\n")
        if r.get("remarks"):
            out.append("Remarks of the run:\n\n" + "".join(f"- {text}\n" for text in r["remarks"]))
    return "\n".join(out)


def missing(run, names):
    """What was to be measured and was not, in words."""
    failed = [f"- `{b['command']}` failed with status {b['status']}:\n\n  ```\n  " + b["error"].strip().replace("\n", "\n  ") + "\n  ```\n"
              for b in run["benches"].values() if b.get("status")]
    absent = [n for n in names if n not in run["benches"]]
    text = "\n".join(failed) + (f"\nNot run: {', '.join(absent)}.\n" if absent else "")
    return f"## Not in this report\n\n{text.strip()}\n" if text.strip() else ""


def page(run, benches, plots, names):
    """`benches`: {name: [report]}; `plots`: {name: [[(file, text)] of each report]}; `names`: all that a whole report has."""
    everything = [r for reports in benches.values() for r in reports]
    sections = [section(name, reports, plots[name], run) for name, reports in benches.items()]
    parts = [first_page(run), "## Summary\n\n" + summary(everything), *sections, missing(run, names), "## What this does not show\n" + LIMITS]
    return "\n".join(p for p in parts if p)


# ---- the README ----
BEGIN, END = "<!-- report: begin (written by scripts/bench report --write) -->", "<!-- report: end -->"


def asked(run):
    """The time that each contestant had, as it was asked for."""
    words = next((b["command"] for b in run["benches"].values() if "--seconds" in b.get("command", "")), "").split()
    return f" --seconds {words[words.index('--seconds') + 1]}" if words else ""


def readme_block(run, benches):
    everything = [r for reports in benches.values() for r in reports]
    return (f"Measured on {run['date']} at {run['commit']}: {machine_line(run['machine'])}; {versions(run['machine'])}. Medians of the "
            "rounds; in brackets the least and the most, none where there was one. The way says what was metered. Ratio: how many times better Sluice is; below 1, worse."
            f"\n\n{summary(everything)}\nAs root, `scripts/setup --bench && scripts/bench report{asked(run)}` makes it again, in build-bench/report. "
            "[The whole report](test/versus/report/report.md) has tables, plots, commands, and [what this does not show](test/versus/report/report.md#what-this-does-not-show).\n")


def put_into(text, block):
    """A README with what stands between its two marks replaced."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"the marks {BEGIN} and {END} do not stand there once each, in order")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{block}{END}{rest.split(END)[1]}"
