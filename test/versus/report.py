"""From samples to figures: medians and spreads per operation, aims, remarks. Pure, but for the date and the machine."""

import datetime
import pathlib
import re
import subprocess
import sys

import contestants
import rivals

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
from figures import machine, metric_of, spread, value  # pylint: disable=wrong-import-position,import-error

DISTURBED = 0.05  # the core was somebody else's for such a part of the time
OVER = {"AF_XDP": "af_xdp", "memif": "memif"}


def idle_floor(samples):
    """What the core does when nobody asks: the least that was seen, since others' work comes and goes. A spinning worker says nothing of it."""
    seen = [s["idle_share"] for c, taken in samples.seen.items() if c.idle != "spin" for s in taken]
    return min(seen) if seen else 0.0


def per_operation(sample, key):
    return sample["span"][key] / sample["seen"].operations


def core_per_operation(sample, floor):
    """What the core did beyond what it does anyway; not less than its processes and pollers, pinned to it, had: where others come and go, that is the bound."""
    span = sample["span"]
    return max(span["core_us"] - floor * span["elapsed_us"], span["process_us"] + span["polling_us"]) / sample["seen"].operations


def figure(name, contestant, taken, floor, metric):
    """One line: the metric first, then what stands beside it."""
    times = {"us": spread([core_per_operation(s, floor) if contestant.meter == "core_us" else per_operation(s, contestant.meter) for s in taken])}
    quantiles = {q: spread([s["seen"].latency_us[q] for s in taken]) for q in ("p50", "p90", "p99", "p99.9", "p99.99") if all(q in s["seen"].latency_us for s in taken)}
    if metric == "p99_us":
        beside = {f"{q}_us": v for q, v in quantiles.items() if q != "p99"}
        out = {"name": name, "who": contestant.who, "p99_us": quantiles["p99"], **beside, "cost_us": times["us"]}
    else:
        out = {"name": name, "who": contestant.who, **times, "process_us": spread([per_operation(s, "process_us") for s in taken]),
               "polling_us": spread([per_operation(s, "polling_us") for s in taken])}
    out["per_s"] = spread([s["seen"].operations / s["seen"].seconds for s in taken])
    if metric == "us" and "p99" in quantiles:
        out["p99_us"] = quantiles["p99"]
    if contestant.is_sluice():
        out["busy_us"] = spread([per_operation(s, "cycles_us") for s in taken])
        steps = [s["span"]["steps_us"] for s in taken]
        out["steps_us"] = {step: round(spread([us[step] / s["seen"].operations for us, s in zip(steps, taken)])["median"], 3) for step in steps[0]}
    return out | {"way": contestant.way()}


def figures(name, samples, metric="us"):
    floor = idle_floor(samples)
    return [figure(name, c, taken, floor, metric) for c, taken in samples.seen.items() if taken]


def aims(bench, field, found):
    """How many times less Sluice costs than the best rival that the same client asked."""
    of = {c: f for c in field for f in found if f["who"] == c.who and f["way"].split(";")[0] in c.way() and (metric_of(f) == "bytes" or f["way"] == c.way())}
    out = []
    for over, aim in bench.aim.items():
        for c in field:
            if not c.is_sluice() or c.device != OVER[over]:
                continue
            beside = [value(of[r], metric_of(of[r])) for r in field if not r.is_sluice() and r in of and (r.client == c.client or over == "memif")]
            own = value(of[c], metric_of(of[c])) if c in of else None
            reached = round(min(beside) / own, 2) if own and beside else None
            out.append({"name": c.way(), "aim": aim, "reached": reached})
    return out


def remarks(samples):
    out = [f"{c}: {why}" for c, whys in samples.failures.items() for why in dict.fromkeys(whys)]
    # The core was niced programs' or the hypervisor's, or busy with others before the client began.
    metered = {c: [s for s in taken if "span" in s] for c, taken in samples.seen.items()}
    worst = {c: max([s["span"]["foreign_share"] for s in taken] + [s["idle_share"] for s in taken if c.idle != "spin"], default=0) for c, taken in metered.items()}
    out += [f"{c}: others used the core, up to {share:.0%} of a run" for c, share in worst.items() if share > DISTURBED]
    return out


def versions(build, against):
    found = {}
    for name in rivals.chosen(against):
        try:
            found[name] = rivals.version(name)
        except (rivals.Trouble, OSError, IndexError):
            found[name] = "not installed"
    for name, command in (("openssl", ["openssl", "version"]), ("sluice", [str(build / "app/sluice/sluice"), "--version"]), ("wrk", ["wrk", "-v"]), ("h2load", ["h2load", "--version"])):
        try:
            text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
            found[name] = m[1] if (m := re.search(r"(\d[\w.+~-]*)", text)) else "?"
        except OSError:
            found[name] = "not installed"
    return found


def whole(name, command, options, parts):
    """The report of a bench; parts: (bench, samples, figures) of each ground it stood on."""
    out = {"bench": name, "command": command, "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
           "machine": machine() | {"versions": versions(options.build, options.against)}, "figures": [], "aims": [], "remarks": []}
    for bench, samples, found in parts:
        out["figures"] += found
        out["aims"] += aims(bench, samples.field, found)
        out["remarks"] += remarks(samples) + [f"{c} did not ask: not chosen, or not built" for c in bench.clients if c not in contestants.clients_of(bench, options)]
        out["machine"]["negotiated"] = samples.negotiated
    return out
