"""What a saved benchmark says: figures, who made them, their middle and spread. Knows both shapes, that of test/versus and that of test/bench."""

import json
import re

# What a figure may be measured in, the first that it has counts: (what it is, unit, whether less is better).
METRICS = {
    "us": ("time per operation", "µs", True),
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


def about(figure):
    return {k: v for k, v in subject(figure).items() if k != "way"}


def same_work(one, other):
    """Whether two figures are about the same, though perhaps not asked the same way, in the same measure."""
    return metric(one) == metric(other) and about(one) == about(other)


def client(way):
    """A way is `CLIENT, what it goes over; what was metered`, or without the middle."""
    return re.split("[,;]", way or "")[0]


def words(about):
    return ", ".join(str(v) if isinstance(v, str) else f"{k.replace('_', ' ')} {v:g}" for k, v in about.items())


def fixed(figures):
    """What all of these figures have in common: {key: value}."""
    subjects = [subject(f) for f in figures]
    return {k: v for k, v in subjects[0].items() if all(k in s and s[k] == v for s in subjects)} if subjects else {}


def groups(figures):
    """Figures of the same subject, in order: [(label, figures)]. What is the same for all is not in the labels."""
    same, out = fixed(figures), {}
    for f in figures:
        out.setdefault(words({k: v for k, v in subject(f).items() if k not in same}), []).append(f)
    return list(out.items())


def percentiles(figure):
    """[(share of operations that took longer, microseconds)] in order: of `latency_us`, or of `p50_us`, `p99_us`, `p99.9_us` beside the figure."""
    found = {}
    latency = figure.get("latency_us") if isinstance(figure.get("latency_us"), dict) else {}
    for key in [*figure, *latency]:
        part = re.fullmatch(r"p(\d\d)\.?(\d*)(_us)?", key)
        v = number(latency if key in latency else figure, key)
        if part and v is not None and (key in latency or part[3]):
            found[1 - float(f"{part[1]}.{part[2] or 0}") / 100] = v
    return sorted(found.items(), reverse=True)


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
