"""Contestants in turns, round after round, and what came of it. A run that fails is told and leaves the rest going."""

import sys
import time

import contestants
import meter
import papers
from ground import Ground, Trouble

ROUNDS = 5
WARM_UP_S = 1
EXPECTED = (Trouble, OSError, ValueError, KeyError)  # of a run that fails


def tell(*words):
    print(*words, file=sys.stderr, flush=True)


class Samples:
    """What was seen of each contestant of a bench, in the order in which they take part."""

    def __init__(self, field):
        self.field = field
        self.seen = {c: [] for c in field}
        self.failures = {c: [] for c in field}
        self.negotiated = {}

    def fail(self, who, why):
        lines = [line for line in str(why).splitlines() if line.strip()] or [type(why).__name__]
        first = lines[0] if len(lines) == 1 else f"{lines[0]} ... {lines[-1]}"
        tell(f"  {who}: {first}")
        self.failures[who].append(first)


PROBES = 10  # the handshakes with which it was looked at before


def check_handshakes(counters, job):
    """Sluice knows whether the client did what it was to do, with the rivals as well."""
    full, resumed = counters["tls.handshakes"] - counters["tls.resumed"], counters["tls.resumed"]
    if job.operation.startswith("handshake") and resumed > PROBES:
        raise Trouble(f"{resumed} handshakes were resumed that were to be full ones")
    if job.operation == "resume" and full > resumed / 10 + job.connections * 2 + PROBES:
        raise Trouble(f"{full} handshakes were full that were to be resumed, {resumed} were")


def one_run(the_ground, contestant, bench, job, seconds, options, samples):
    """Starts it, warms it up, and meters one run of the client: a sample, or Trouble."""
    with contestant.running(the_ground, bench, options) as it:
        if contestant.device != "memif" and contestant.who not in samples.negotiated:
            samples.negotiated[contestant.who] = contestants.negotiated(the_ground, it)
            if samples.negotiated[contestant.who] != contestants.WANTED:
                raise Trouble(f"negotiated {samples.negotiated[contestant.who]}, wanted {contestants.WANTED}")
        if options.seconds > 1:
            contestant.ask(the_ground, it, job, WARM_UP_S)
        idle = meter.idle_share(it, the_ground.gate_cores)
        marks = [meter.Mark(it, the_ground.gate_cores)]
        seen = contestant.ask(the_ground, it, job, seconds, lambda: marks.append(meter.Mark(it, the_ground.gate_cores)))
        span = meter.span(marks[-1], meter.Mark(it, the_ground.gate_cores))
        it.check_alive()
        if contestant.is_sluice():
            check_handshakes(it.counters(), job)
    if seen.failures or not seen.operations:
        raise Trouble(f"not counted: {seen.operations} operations, failures {seen.failures}")
    return {"seen": seen, "span": span, "idle_share": idle}


def interleaved(the_ground, name, bench, field, options, rate=0, samples=None):
    """A B C A B C ...; `seconds` is what each gets in all."""
    samples = samples or Samples(field)
    rounds = max(1, min(options.rounds, int(options.seconds)))
    job = contestants.job_of(name, bench, rate)
    for n in range(rounds):
        for contestant in field:
            if len(samples.failures[contestant]) > 1:
                continue  # it won't learn
            began = time.monotonic()
            try:
                samples.seen[contestant].append(one_run(the_ground, contestant, bench, job, max(1, options.seconds / rounds), options, samples))
                tell(f"  round {n + 1} {contestant}: {samples.seen[contestant][-1]['seen'].operations} operations, {time.monotonic() - began:.0f} s")
            except EXPECTED as e:
                samples.fail(contestant, e)
    return samples


def half_of_the_slowest(the_ground, name, bench, options):
    """The open loop's rate: each is asked in a closed loop first, by wrk."""
    quick = options._replace(seconds=2, rounds=1, clients=[])
    by_wrk = contestants.field(bench._replace(clients=("wrk",)), quick)
    capacity = interleaved(the_ground, name, bench, by_wrk, quick)
    rates = [s["seen"].operations / s["seen"].seconds for seen in capacity.seen.values() for s in seen]
    if not rates:
        raise Trouble("nobody could be asked")
    return max(bench.connections, int(min(rates) / 2 / bench.connections) * bench.connections)


class Prepared(Ground):
    """Its origin is nginx with documents in memory."""

    def __init__(self, options, gate_cores=1):
        super().__init__(gate_cores)
        self.build = options.build

    def __enter__(self):
        super().__enter__()
        try:
            papers.make(self.state)
            conf = papers.fill(self, "origin.conf")
            self.origin = self.start("load", "nginx", "-c", conf, "-p", self.state)
        except BaseException:
            self.remove()
            raise
        return self
