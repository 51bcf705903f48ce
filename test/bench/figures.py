"""Figures: their spread, what they are about, ratios, tables for people. All benchmarks report in one shape (bench.h), whoever measured."""

import os
import statistics
import subprocess

METRICS = ["us", "ns", "bytes", "p99_us", "cycles", "mb_per_s"]  # a figure has one of these, which its ratio is about


def spread(values):
    v = sorted(values)
    return {"median": statistics.median(v), "p10": v[len(v) // 10], "p90": v[-1 - len(v) // 10], "min": v[0], "max": v[-1], "samples": len(v)}


def machine():
    def said(*command):
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout.strip()

    def first(path, name):
        with open(path, encoding="utf-8") as f:
            return next((line.split(":", 1)[1].strip() for line in f if line.startswith(name)), "?")

    return {"cpu": first("/proc/cpuinfo", "model name"), "cores": os.cpu_count(), "memory": first("/proc/meminfo", "MemTotal"), "kernel": os.uname().release,
            "dpdk": "DPDK " + said("pkg-config", "--modversion", "libdpdk"), "load": [round(n, 2) for n in os.getloadavg()]}


def value(figure, key, quantile="median"):
    v = figure.get(key)
    return v[quantile] if isinstance(v, dict) else v


def metric_of(figure):
    return next((m for m in METRICS if m in figure), None)


def identity(figure):
    """What a figure is about, but for who did it: its name, texts and plain numbers that come before the metric."""
    out = []
    for key, v in figure.items():
        if isinstance(v, dict) or key in METRICS:
            break
        if key != "who":
            out.append((key, v))
    return tuple(out)


def asked_by(figure):
    """The client, where a figure tells its way."""
    return figure.get("way", "").split(",")[0].split(";")[0]


def add_ratios(report):
    """Each figure against the first of the same identity that the same client asked: how many times as much it is."""
    first = {}
    for f in report["figures"]:
        metric = metric_of(f)
        base = first.setdefault((identity(f), asked_by(f)), f)
        if metric and base is not f and value(base, metric):
            f["ratio"] = {"to": base["who"], "times": value(f, metric) / value(base, metric)}


def cell(v):
    if isinstance(v, dict) and "median" in v:
        return f"{v['median']:.4g} ({v['p10']:.4g}..{v['p90']:.4g}, least {v['min']:.4g})"
    if isinstance(v, dict) and "times" in v:
        return f"{v['times']:.2f} x {v['to']}"
    if isinstance(v, dict):
        return ", ".join(f"{k} {n:.3g}" for k, n in v.items())
    return f"{v:.4g}" if isinstance(v, float) else str(v)


def table(rows):
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for r in rows:
        print("  ".join(t.ljust(w) for t, w in zip(r, widths)).rstrip())


def show(report):
    m = report["machine"]
    libraries = [f"mbedTLS {m['mbedtls']}", m["openssl"]] if "mbedtls" in m else [f"Linux {m['kernel']}"]
    print(", ".join([f"\n== {report['bench']}: {m['cpu']}", f"load {m.get('load', ['?'])[0]}", f"DPDK {m['dpdk'].split()[-1]}", *libraries]))
    tables = {}
    for f in report["figures"]:
        tables.setdefault(tuple(key for key, _ in identity(f)), []).append(f)
    for figures in tables.values():
        columns = list(dict.fromkeys(k for f in figures for k in f))
        print()
        table([columns] + [[cell(f[c]) if c in f else "" for c in columns] for f in figures])
    for aim in report.get("aims", []):
        print(f"aim: {aim['name']}: {aim['aim']} times less than the best rival; reached: {aim['reached'] if aim['reached'] else 'not measured'}")
    for text in report.get("remarks", []):
        print(f"remark: {text}")
