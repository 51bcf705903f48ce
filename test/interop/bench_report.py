"""What the benchmarks of the lab share: options, the machine, a figure's spread; the report is that of test/bench/bench.h."""

import argparse
import contextlib
import json
import os
import signal
import sys
import time

import lab

sys.path.insert(0, str(lab.TOP / "test" / "bench"))
from figures import machine, spread  # pylint: disable=wrong-import-position,import-error,unused-import


def options(text, rounds):
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(lab.TOP / "build-bench"))
    parser.add_argument("--rounds", type=int, default=rounds, help="at most so many")
    parser.add_argument("--seconds", type=float, default=3600, help="no round begins after so many")
    parser.add_argument("--quick", action="store_true", help="a sign of life")
    return parser.parse_args()


def rounds(chosen):
    """Numbers of rounds, as many as were asked for and fit into the time; one at least."""
    end = time.monotonic() + chosen.seconds
    for n in range(1 if chosen.quick else chosen.rounds):
        if n and time.monotonic() > end:
            return
        print(f"round {n + 1}", file=sys.stderr)
        yield n


def report(name, figures):
    print(json.dumps({"bench": name, "machine": machine(), "figures": figures}))


@contextlib.contextmanager
def running(build, config=None):
    """A lab for the time of the benchmark, taken down also when that is ended early."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    the_lab = lab.Lab(build, name=f"bench{os.getpid() % 10000}", config=config)
    try:
        the_lab.up()
        yield the_lab
    finally:
        the_lab.down()
