#!/usr/bin/env python3
"""What of the harness is pure: readers of what programs and the kernel say, and what is made of it."""

import collections
import unittest

import benches
import clients
import contestants
import ground
import idle
import meter
import papers
import report
import rivals

import figures  # of test/bench; report.py knows the way

STAT = """cpu  30 1 6 90 2 1 3 4 0 0
cpu0 10 1 2 40 1 0 1 1 0 0
cpu1 20 0 4 50 1 1 2 3 0 0
intr 5
"""


class Mark:
    """Stands for meter.Mark."""

    def __init__(self, at, busy, foreign=0, processes=0, polling=0, cycles=None):
        self.at, self.busy, self.foreign, self.processes, self.polling, self.cycles = at, busy, foreign, processes, polling, cycles


def sample(operations, core_us, cycles_us=0.0, idle=0.0, seconds=1.0, p99=100.0):
    span = {"elapsed_us": seconds * 1e6, "core_us": core_us, "process_us": core_us / 2, "polling_us": 0.0, "foreign_share": 0.0, "cycles_us": cycles_us,
            "steps_us": {"rx": cycles_us, "idle": 5.0}}
    return {"seen": clients.Seen(operations, seconds, {"p50": 10.0, "p99": p99}, {}), "span": span, "idle_share": idle}


class Kernel(unittest.TestCase):
    def test_cores_are_read_each_by_its_number(self):
        self.assertEqual(set(meter.cores(STAT)), {0, 1})
        self.assertEqual(meter.cores(STAT)[1], {"user": 20, "nice": 0, "system": 4, "idle": 50, "iowait": 1, "irq": 1, "softirq": 2, "steal": 3})

    def test_a_process_with_spaces_and_parentheses_in_its_name(self):
        self.assertEqual(meter.process_ticks("7 (a b) c) S 1 7 7 0 -1 0 1 2 3 4 55 66 0 0 20 0 1 0"), 121)

    def test_sockets(self):
        self.assertEqual(meter.sockstat("sockets: used 3\nTCP: inuse 5 orphan 0 tw 1 alloc 6 mem 7\n")["TCP"]["mem"], 7)

    def test_meminfo_is_in_bytes(self):
        self.assertEqual(meter.meminfo("Slab:            10 kB\n")["Slab"], 10240)


class Spans(unittest.TestCase):
    def test_ticks_become_microseconds(self):
        got = meter.span(Mark(10.0, 100, 1, 50, 3), Mark(12.0, 150, 5, 90, 7))
        self.assertEqual(got["core_us"], 50 * meter.TICK_US)
        self.assertEqual(got["process_us"], 40 * meter.TICK_US)
        self.assertEqual(got["polling_us"], 4 * meter.TICK_US)
        self.assertAlmostEqual(got["foreign_share"], 4 * meter.TICK_US / 2e6)

    def test_idle_cycles_are_no_work(self):
        got = meter.span(Mark(0, 0, cycles=(1e6, {"rx": 10, "idle": 100})), Mark(1, 0, cycles=(1e6, {"rx": 30, "idle": 900})))
        self.assertEqual(got["cycles_us"], 20)


class Clients(unittest.TestCase):
    WRK = 'Running\nJSON {"operations":100,"us":2000000,"bytes":5,"connect":0,"read":%d,"write":0,"status":%d,"timeout":0,"p50":1.0,"p90":2.0,"p99":3.0,"p99.9":4.0,"max":5.0}\n'

    def test_wrk(self):
        seen = clients.wrk_said(self.WRK % (0, 0))
        self.assertEqual((seen.operations, seen.seconds, seen.latency_us["p99"], seen.failures), (100, 2.0, 3.0, {}))

    def test_wrk_with_failures(self):
        self.assertEqual(clients.wrk_said(self.WRK % (3, 4)).failures, {"read": 3, "status": 4})

    def test_wrk_that_says_nothing(self):
        with self.assertRaises(clients.Trouble):
            clients.wrk_said("unable to connect")

    def test_ab(self):
        text = "Complete requests:      250\nFailed requests:        2\nNon-2xx responses:      1\nTime taken for tests:   1.250 seconds\n  50%     3\n  99%     12\n 100%     13 (longest request)\n"
        seen = clients.ab_said(text)
        self.assertEqual((seen.operations, seen.seconds, seen.latency_us, seen.failures), (250, 1.25, {"p50": 3000, "p99": 12000}, {"failed": 2, "status": 1}))

    def test_h2load(self):
        text = "requests: 3 total, 3 started, 3 done, 2 succeeded, 1 failed, 0 errored, 0 timeout\n"
        seen = clients.h2load_said(text, "1000000\t200\t40\n1500000\t200\t60\n2000000\t502\t9\n")
        self.assertEqual((seen.operations, seen.seconds, seen.latency_us["max"], seen.failures), (2, 1.0, 60, {"failed": 1, "status": 1}))

    def test_sluice_load(self):
        text = ('{"seconds":2.0,"flows":[{"operations":10,"failed":1,"failures":{"reset":1,"timeout":0},"latency_us":{"p99":7}},'
                '{"operations":5,"failed":0,"failures":{"reset":0},"latency_us":{"p99":8}}]}')
        seen = clients.sluice_load_said(text)
        self.assertEqual((seen.operations, seen.failures, seen.latency_us["p99"]), (15, {"reset": 1}, 7))

    def test_quantiles_of_few(self):
        self.assertEqual(clients.quantiles([5])["p99.99"], 5)
        self.assertEqual(clients.quantiles([]), {})


class Report(unittest.TestCase):
    def setUp(self):
        self.spin = contestants.Contestant("sluice", "wrk", "af_xdp", "spin", "cycles_us")
        self.rival, self.other = contestants.Contestant("nginx", "wrk"), contestants.Contestant("hitch", "wrk")
        self.samples = collections.namedtuple("S", "field seen failures negotiated")(
            [self.spin, self.rival, self.other],
            {self.spin: [sample(100, 1e6, 1000.0, idle=1.0)] * 3, self.rival: [sample(100, 106000.0, idle=0.1), sample(100, 46000.0, idle=0.02), sample(100, 26000.0, idle=0.3)],
             self.other: []},
            {self.spin: [], self.rival: [], self.other: ["did not start"] * 2}, {})

    def test_the_least_idle_share_is_taken_off_and_a_spinning_worker_says_nothing_of_it(self):
        self.assertEqual(report.idle_floor(self.samples), 0.02)
        rival = report.figures("request", self.samples)[1]
        self.assertAlmostEqual(rival["us"]["median"], 260.0)
        self.assertAlmostEqual(rival["us"]["max"], 860.0)
        self.assertAlmostEqual(rival["us"]["min"], 130.0)  # its processes' time: more was taken off than was there

    def test_sluice_is_judged_by_its_cycles(self):
        self.assertAlmostEqual(report.figures("request", self.samples)[0]["us"]["median"], 10.0)

    def test_who_failed_has_a_remark_and_no_figure(self):
        self.assertEqual([f["who"] for f in report.figures("request", self.samples)], ["sluice", "nginx"])
        self.assertEqual([r for r in report.remarks(self.samples) if "did not start" in r], ["hitch (wrk, kernel's veth; core time): did not start"])

    def test_an_aim_is_against_the_best_rival(self):
        found = report.figures("request", self.samples)
        bench = benches.BENCHES["request"]
        self.assertEqual(report.aims(bench, self.samples.field, found), [{"name": self.spin.way(), "aim": 3, "reached": 26.0}])

    def test_ratios_are_to_the_first_of_the_same_figure(self):
        whole = {"figures": report.figures("request", self.samples)}
        figures.add_ratios(whole)
        self.assertEqual([f.get("ratio") for f in whole["figures"]], [None, {"to": "sluice", "times": 26.0}])


class Memory(unittest.TestCase):
    def test_the_kernels_part_of_the_load_is_taken_off(self):
        own, rival = contestants.Contestant("sluice", "hold", "af_xdp"), contestants.Contestant("hitch", "hold")
        seen = {own: [{"connections": 9, "process": 500.0, "kernel": 9000.0, "buffers": -1.0}], rival: [{"connections": 9, "process": 50000.0, "kernel": 16000.0}]}
        samples = collections.namedtuple("S", "field seen")([own, rival], seen)
        found = idle.figures(samples, {"client_side_bytes": 3})
        self.assertEqual([f["bytes"]["median"] for f in found], [500.0, 57000.0])
        self.assertEqual([found[0]["buffers_held"], found[0]["client_side_bytes"]], [1.0, 3])
        self.assertNotIn("client_side_bytes", found[1])
        self.assertEqual(report.aims(benches.BENCHES["idle"], samples.field, found), [{"name": own.way(), "aim": 20, "reached": 114.0}])


class Tables(unittest.TestCase):
    def test_a_million_connections_have_ports_enough(self):
        for n in (64, 100000, 1000000):
            self.assertGreater(len(ground.load_origins(n)) * 64000, n * 1.9)

    def test_families_stand_for_their_rows(self):
        self.assertEqual(rivals.chosen(["nginx"]), ["nginx", "nginx-stream"])
        self.assertEqual(rivals.chosen(["haproxy-tcp"]), ["haproxy-tcp"])
        with self.assertRaises(rivals.Trouble):
            rivals.chosen(["apache"])

    def test_every_rival_has_its_template(self):
        for rival in rivals.RIVALS.values():
            self.assertTrue((papers.HERE / "rivals" / rival.template).is_file())

    def test_every_client_is_known(self):
        for bench in benches.BENCHES.values():
            self.assertLessEqual(set(bench.clients), set(clients.CLIENTS) | {"hold"})


if __name__ == "__main__":
    unittest.main()
