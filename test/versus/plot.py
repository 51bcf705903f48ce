"""Draws figures as SVG with gnuplot: bars with their spread, and curves of latency percentiles. A contestant has the same colour everywhere.

Functions make a script from figures and read nothing else, `draw` runs gnuplot (Debian: gnuplot-nox).
"""

import math
import shutil
import subprocess

import report_data as data

COLOURS = {"sluice": "#1f5fa8", "nginx": "#2c8f52", "nginx-stream": "#8fcba0", "haproxy": "#d9761a", "haproxy-tcp": "#f0b878", "hitch": "#8a5a9e",
           "openssl": "#777777", "kernel": "#444444", "linux": "#444444"}
SPARE = ["#a8552a", "#2a98a8", "#b03060", "#8a8f1a", "#5b6abf", "#5f8f8f"]
INK, FAINT = "#222222", "#8a8a8a"
WIDTH, ROW, MOST_BARS, MOST_CURVES = 860, 22, 48, 24
LEFT, RIGHT, TOP, BOTTOM = 150, 150, 62, 32  # pixels around the drawing


def colour(who):
    """Whoever has none of his own gets one that depends on his name alone."""
    return COLOURS.get(who) or SPARE[sum(who.encode()) % len(SPARE)]


def quoted(text):
    return '"' + str(text).replace("\\", "/").replace('"', "'") + '"'


def head(title, under, height, left=LEFT, right=RIGHT, bottom=BOTTOM):
    return [f'set terminal svg size {WIDTH},{height} noenhanced font "sans-serif,12" background "#ffffff"', 'set encoding utf8',
            f"set lmargin at screen {left / WIDTH:.4f}; set rmargin at screen {1 - right / WIDTH:.4f}",
            f"set tmargin at screen {1 - TOP / height:.4f}; set bmargin at screen {bottom / height:.4f}",
            f'set label {quoted(title)} at screen {12 / WIDTH:.4f},{1 - 20 / height:.4f} left font "sans-serif:Bold,14" tc rgb "{INK}"',
            f'set label {quoted(under)} at screen {12 / WIDTH:.4f},{1 - 40 / height:.4f} left font ",11" tc rgb "{FAINT}"',
            f'set border 1 lc rgb "{FAINT}"; set tics nomirror scale 0.5 textcolor rgb "{INK}"', 'set grid xtics lc rgb "#e4e4e4" lt 1', "unset key"]


def ticks(low, high, logarithmic, text=None):
    """Where an axis is marked, and how: at 1, 2 and 5 times powers of ten, or decades alone when there are many."""
    if logarithmic:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        at = [m * 10.0 ** d for d in decades for m in ((1, 2, 5) if high / low < 300 else (1,))]
    else:
        step = next(m * 10.0 ** d for d in range(-9, 15) for m in (1, 2, 5) if (high - low) / (m * 10.0 ** d) <= 8)
        at = [low + step * i for i in range(9)]
    return ", ".join(f"{quoted((text or '{:,.10g}'.format)(v).replace('%', '%%'))} {v:g}" for v in at if low <= v <= high)


def duration(us):
    scale, unit = next(((s, u) for s, u in ((1e6, "s"), (1e3, "ms")) if us >= s), (1, "µs"))
    return f"{us / scale:g} {unit}"


# ---- bars ----
def rows_of(figures, metric):
    """[(heading or None, figure or None)], a line of the drawing each."""
    rows = []
    for label, members in data.groups(figures):
        rows += ([(label, None)] if label else []) + [(None, f) for f in members if data.number(f, metric) is not None]
    return rows


def beside(figure):
    """What stands at the end of a bar."""
    times = (figure.get("ratio") or {}).get("times")
    metric = data.metric(figure)
    text = data.digits(data.number(figure, metric))
    return text if times is None else f"{text}   {times:.{2 if times < 10 else 1}f} ×"


def can_be_bars(figures, metric):
    among = [f for f in figures if data.metric(f) == metric]
    return 0 < len(among) <= MOST_BARS and any(data.number(f, metric) > 0 for f in among)


def ring(figure, metric):
    """Its processes' own time and that of the kernel's threads which receive for it; not of a worker that spins, of which that means nothing."""
    own = data.number(figure, "process_us") if metric == "us" and "busy cycles" not in figure.get("way", "") else None
    return None if own is None else own + (data.number(figure, "polling_us") or 0)


def scale(spreads):
    """(low, high, logarithmic): wide enough for all bars; spreads that are far wider than any bar are cut off."""
    most, least = max(mid for mid, _, _ in spreads), min(mid for mid, _, _ in spreads if mid > 0)
    widest = max(high for _, _, high in spreads)
    if most / least > 60:
        return 10 ** math.floor(math.log10(least * 0.99)), max(most, min(widest, most * 10)) * 1.3, True
    return 0, max(most, min(widest, most * 2)) * 1.03, False


def bar(y, figure, spread, low, high):
    mid, least, most = spread
    end = max(mid, low)
    out = [f'set object rect from {low:g},{y + 0.14:g} to {end:g},{y + 0.86:g} fc rgb "{colour(figure["who"])}" fs solid noborder',
           f'set label {quoted(figure["who"])} at graph 0, first {y + 0.5} right offset -1,0 tc rgb "{INK}"',
           f'set label {quoted(beside(figure))} at graph 1, first {y + 0.5} left offset 1,0 tc rgb "{INK}"']
    if most > least:
        heads = "heads size screen 0.004,90" if most <= high else "head size screen 0.008,30"  # what is cut off goes on as an arrow
        out.append(f'set arrow from {max(least, low):g},{y + 0.5} to {min(most, high):g},{y + 0.5} {heads} lw 1.3 lc rgb "{INK}" front')
    return out


def bars(bench, figures, metric):
    """One bar a figure, under the name of what was done; from the 10th to the 90th percentile a line; a ring is its processes' and threads' own time."""
    figures = [f for f in figures if data.metric(f) == metric]
    what, unit, less = data.METRICS[metric]
    rows = rows_of(figures, metric)
    spreads = [data.spread(f, metric) if f else None for _, f in rows]
    low, high, wide = scale([s for s in spreads if s])
    rings = [(ring(f, metric), y) for y, (_, f) in enumerate(rows) if f and ring(f, metric) is not None and ring(f, metric) <= high]
    under = f"{what}{', ' + unit if unit else ''}; {'less' if less else 'more'} is better" + "".join(text for holds, text in (
        (any(s and s[2] > s[1] for s in spreads), "; lines: 10th to 90th percentile"), (rings, "; rings: CPU time of its processes and receiving threads"),
        (wide, "; logarithmic")) if holds)
    script = head(titled(bench, figures), under, TOP + BOTTOM + ROW * len(rows))
    script += [f"set yrange [{len(rows)}:0]; set xrange [{low:g}:{high:g}]", "unset ytics"] + (["set logscale x"] if wide else [])
    script.append(f"set xtics ({ticks(low, high, wide)})")
    for y, (heading, f) in enumerate(rows):
        if f:
            script += bar(y, f, spreads[y], low, high)
        else:
            script.append(f'set object rect from graph 0, first {y} to graph 1, first {y + 1} fc rgb "#ffffff" fs solid noborder')  # no grid behind it
            script.append(f'set label {quoted(heading)} at screen {12 / WIDTH:.4f}, first {y + 0.55} left font "sans-serif:Bold,12" tc rgb "{INK}"')
    script += ["$rings << EOD", *([f"{v:g} {y + 0.5}" for v, y in rings] or [f"{high * 2:g} 0"]), "EOD",
               f'plot $rings using 1:2 with points pt 7 ps 0.75 lc rgb "#ffffff", $rings using 1:2 with points pt 6 ps 0.75 lw 1.4 lc rgb "{INK}"']
    return "\n".join(script) + "\n"


# ---- latency ----
def can_be_curves(figures):
    return 0 < len(figures) <= MOST_CURVES and all(len(data.percentiles(f)) > 1 for f in figures)


def marks(labels, height):
    """Colours say who, dashes say how: a line below the drawing each, where there is more than one."""
    out = []
    for i, label in enumerate(labels):
        y = 1 - (height - 16 - ROW * (len(labels) - 1 - i)) / height
        # Widths differ a little: of one width, gnuplot's SVG gives all the first one's dashes.
        out.append(f'set arrow from screen {70 / WIDTH:.4f},{y:.4f} to screen {110 / WIDTH:.4f},{y:.4f} nohead lw {1.5 + i / 100} dt {i + 1} lc rgb "{FAINT}"')
        out.append(f'set label {quoted(label)} at screen {118 / WIDTH:.4f},{y:.4f} left font ",11" tc rgb "{INK}"')
    return out


def curves(bench, figures):
    """Percentiles by nines, one line a figure."""
    groups = sorted(data.groups(figures), key=lambda g: -len(g[1]))  # the most are drawn solid
    labels = [label for label, _ in groups] if len(groups) > 1 else []
    points = [[(share, v) for share, v in data.percentiles(f) if v > 0] for f in figures]
    values = [v for p in points for _, v in p]
    nines = max(-math.log10(max(share, 1e-9)) for p in points for share, _ in p)
    below = BOTTOM + 4 + ROW * len(labels)
    height, right, low, high = 320 + TOP + below, 160, min(values) / 1.3, max(values) * 1.3
    script = head(titled(bench, figures), "latency by percentile; lower is better; both axes logarithmic", height, 70, right, below) + marks(labels, height)
    script += [f'set key at screen {1 - (right - 16) / WIDTH:.4f}, graph 1 left top Left reverse samplen 2.5 spacing 1.15 tc rgb "{INK}"',
               'set grid xtics ytics lc rgb "#e4e4e4" lt 1', "set border 3", f"set logscale y; set xrange [0.3:{nines + 0.02:.3f}]; set yrange [{low:g}:{high:g}]",
               f"set ytics ({ticks(low, high, True, duration)})",
               'set xtics ("50 %%" 0.30103, "90 %%" 1, "99 %%" 2, "99.9 %%" 3, "99.99 %%" 4, "99.999 %%" 5)']
    lines, named = [], set()
    for i, (f, p) in enumerate(zip(figures, points)):
        script += [f"$c{i} << EOD", *(f"{-math.log10(max(share, 1e-9)):.5f} {v:g}" for share, v in p), "EOD"]
        dash = next(n for n, (_, members) in enumerate(groups, 1) if any(f is m for m in members))
        title = "notitle" if f["who"] in named else f"title {quoted(f['who'])}"
        named.add(f["who"])
        lines.append(f'$c{i} using 1:2 with linespoints lw {2.6 if f["who"] == data.OURS else 1.8} dt {dash} pt 7 ps 0.45 lc rgb "{colour(f["who"])}" {title}')
    return "\n".join(script + ["plot " + ", \\\n  ".join(lines)]) + "\n"


# ---- drawing ----
def can_draw():
    return shutil.which("gnuplot") is not None


def draw(script, path):
    done = subprocess.run(["gnuplot"], input=f"set output {quoted(path)}\n{script}", capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"gnuplot: {done.stderr[-1500:]}")
    svg = path.read_text(encoding="utf-8")
    path.write_text(svg.replace('font-family="sans-serif:Bold"', 'font-family="sans-serif" font-weight="bold"'), encoding="utf-8")


def plots(name, report):
    """[(suffix of the file's name, text for those who don't see it, script)] of all that can be drawn of a report."""
    figures = report["figures"]
    out = []
    for metric, (what, _, _) in data.METRICS.items():
        if can_be_bars(figures, metric):
            out.append((metric, f"{report['bench']}: {what}", bars(title(name, report), figures, metric)))
    latencies = {}
    for f in figures:
        if len(data.percentiles(f)) > 1:
            latencies.setdefault(f.get("name", ""), []).append(f)
    for i, (about, members) in enumerate(latencies.items()):
        if can_be_curves(members):
            out.append((f"latency-{i + 1}", f"{report['bench']}: latency, {about}", curves(title(name, report), members)))
    return out


def titled(bench, figures):
    """With what all of them have in common."""
    about = data.words({k: v for k, v in data.fixed(figures).items() if v not in bench.split(": ")})
    return f"{bench}: {about}" if about else bench


def title(name, report):
    return name if report["bench"] == name else f"{name}: {report['bench']}"
