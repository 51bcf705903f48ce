"""What a saved benchmark says: figures, who made them, their middle and spread. Knows both shapes, that of test/versus and that of test/bench."""

import json

# What a figure may be measured in, the first that it has counts: (what it is, unit, whether less is better).
METRICS = {
    "us": ("core time per operation", "µs", True),
    "ns": ("time", "ns", True),
    "cycles": ("cycles", "", True),
    "p99_us": ("latency, 99th percentile", "µs", True),
    "bytes": ("memory", "bytes", True),
    "mb_per_s": ("goodput", "MB/s", False),
    "per_s": ("rate", "per second", False),
}
OURS = "sluice"


def load(path):
    """The reports of one file: `scripts/bench NAME --json` writes one or a list."""
    found = json.loads(path.read_text(encoding="utf-8"))
    reports = found if isinstance(found, list) else [found]
    for r in reports:
        if not isinstance(r, dict) or not isinstance(r.get("figures"), list):
            raise ValueError(f"{path}: no report of a benchmark: it has no figures")
    return reports


def metric(figure):
    return next((m for m in METRICS if number(figure, m) is not None), None)


def number(figure, key, quantile="median"):
    v = figure.get(key)
    v = v.get(quantile) if isinstance(v, dict) else v
    return v if isinstance(v, (int, float)) and not isinstance(v, bool) else None


def spread(figure, key):
    """Middle, lower and upper tenth; all the same where only one number is known."""
    mid = number(figure, key)
    v = figure[key]
    if not isinstance(v, dict):
        return mid, mid, mid
    low, high = (v.get(q) if v.get(q) is not None else v.get(other) for q, other in (("p10", "min"), ("p90", "max")))
    return mid, mid if low is None else low, mid if high is None else high


def subject(figure):
    """What a figure is about, but for who did it: its texts, and the plain numbers before what was measured."""
    out, measured = {}, metric(figure)
    before = True
    for key, v in figure.items():
        before = before and key != measured
        if key != "who" and (isinstance(v, str) or (before and isinstance(v, (int, float)))):
            out[key] = v
    return out


def groups(figures):
    """Figures of the same subject, in order: [(label, figures)]. What is the same for all is not in the labels."""
    subjects = [subject(f) for f in figures]
    fixed = {k for k in ({k for s in subjects for k in s} - {"name"}) if len({s.get(k) for s in subjects}) == 1}
    out = {}
    for f, s in zip(figures, subjects):
        words = [str(v) if isinstance(v, str) else f"{k.replace('_', ' ')} {v:g}" for k, v in s.items() if k not in fixed]
        out.setdefault(", ".join(words) or s.get("name", ""), []).append(f)
    return list(out.items())


def percentiles(figure):
    """[(share of operations that took longer, microseconds)] of its latencies, in order."""
    lat = figure.get("latency_us") or {}
    if isinstance(lat, dict):
        found = [(1 - float(k[1:]) / 100, v) for k, v in lat.items() if k[:1] == "p" and k[1:].replace(".", "", 1).isdigit() and isinstance(v, (int, float))]
        return sorted(found, reverse=True)
    return []


def digits(v):
    """Three significant digits and whole numbers as they are, without an exponent and with groups of thousands."""
    if not isinstance(v, (int, float)):
        return str(v)
    if isinstance(v, int) or v == 0 or abs(v) >= 100:
        return f"{v:,.0f}"
    decimals = 2 if abs(v) < 10 else 1
    while abs(v) < 0.1 and round(v, decimals) < v * 0.95 and decimals < 6:
        decimals += 1
    return f"{v:.{decimals}f}"
