"""Where time goes: reading perf's script, taking off idle passes, steps, the flame graph. Nothing is run but this."""

import pathlib
import types
import unittest
import xml.etree.ElementTree as xml
from unittest import mock

import flame
import profiling

FLAT = """     7fca1e9fde2a sl_tcp_next (/tmp/a b/sluice)
 ffffffff813dd850 up_read ([kernel.kallsyms])
     7fca1e9fe058 [unknown] (/usr/lib/x86_64-linux-gnu/librte_net_af_xdp.so.23.0)
     7fca1e9fe058 _mm (x) (/usr/lib/libIPSec_MB.so.1.3.0 (deleted))
"""
STACKS = """
	            8deb inner+0x1b (/bin/sluice)
	            9a97 shard_loop (/bin/sluice)


	ffffffff8140815e rcu_core ([kernel.kallsyms])
	            9a97 shard_loop (/bin/sluice)
	ffffffffffffffff [unknown] ([unknown])

"""


def frame(function, where="sluice"):
    return profiling.Frame(function, where)


class Reading(unittest.TestCase):
    def test_a_line_is_a_sample_without_stacks(self):
        samples = profiling.parse(FLAT, False)
        self.assertEqual([s[0] for s in samples[:3]], [frame("sl_tcp_next"), frame("up_read", "kernel"), frame("in librte_net_af_xdp", "librte_net_af_xdp")])
        self.assertEqual(len(samples), 4)

    def test_blank_lines_part_stacks(self):
        self.assertEqual(profiling.parse(STACKS, True), [[frame("inner"), frame("shard_loop")], [frame("rcu_core", "kernel"), frame("shard_loop")]])

    def test_threads_of_workers_by_any_eal_name(self):
        for name, good in (("rte-worker-1", 1), ("lcore-worker-12", 1), ("dpdk-worker3", 1), ("sluice", 0), ("eal-intr-thread", 0), ("kworker/0:1", 0)):
            self.assertEqual(bool(profiling.THREAD.match(name)), bool(good), name)

    def test_a_process_that_has_ended_has_no_workers(self):
        self.assertEqual(profiling.worker_threads(4194305), [])
        self.assertRaises(RuntimeError, profiling.worker_process, types.SimpleNamespace(pids=lambda: [4194305]))


class Shares(unittest.TestCase):
    def test_steps_per_operation_and_shares(self):
        rows = profiling.by_step((1e6, {"rx": 10, "tls": 10, "idle": 0}), (1e6, {"rx": 40, "tls": 20, "idle": 60}), 10)
        self.assertEqual([(r[0], r[1]) for r in rows], [("rx", 3.0), ("tls", 1.0), ("busy, all", 4.0), ("idle", None)])
        self.assertEqual([(r[2], r[3]) for r in rows], [(0.75, 0.3), (0.25, 0.1), (1.0, 0.4), (None, 0.6)])

    def test_what_idle_passes_took_is_taken_off(self):
        busy = [[frame("poll")]] * 60 + [[frame("seal")]] * 40
        rows = profiling.by_function(busy, [[frame("poll")]] * 200, 0.5)
        self.assertEqual([r[0].function for r in rows], ["seal", "poll"])
        self.assertAlmostEqual(rows[0][2], 0.8)
        self.assertAlmostEqual(rows[1][2], 0.2)
        self.assertEqual([r[3] for r in rows], [False, True])

    def test_too_few_idle_samples_take_nothing_off(self):
        rows = profiling.by_function([[frame("poll")], [frame("seal")]], [[frame("poll")]] * (profiling.IDLE_ENOUGH - 1), 0.5)
        self.assertEqual({(r[1], r[2], r[3]) for r in rows}, {(0.5, 0.5, False)})

    def test_the_idle_share_is_of_the_threads_time(self):
        self.assertAlmostEqual(profiling.idle_share(1.0, 4.0), 0.75)
        self.assertEqual(profiling.idle_share(5.0, 4.0), 0)
        self.assertEqual(profiling.idle_share(1.0, 0), 0)

    def test_tables_say_what_is_known(self):
        seen = {"operations": 1000, "steps": profiling.by_step((1e6, {"rx": 0}), (1e6, {"rx": 5}), 5), "samples": [[frame("a")]] * 3 + [[frame("b", "kernel")]],
                "idle_samples": [], "idle": 0.25, "had_core": 0.5}
        text = profiling.text(seen)
        for part in ("1,000 operations", "1.000", "could not be told apart", "75.0 %", "had its core for 50 %"):
            self.assertIn(part, text)
        self.assertNotIn("had its core", profiling.text(seen | {"had_core": 0.99}))


class Observing(unittest.TestCase):
    """A Sluice whose clocks are made up: it idles for 100 cycles, works for 300, of which 200 are while it is recorded."""

    def observe(self, load):
        cycles = iter([(100, {"tls": 0, "idle": 0}), (100, {"tls": 50, "idle": 50}), (100, {"tls": 250, "idle": 80}), (100, {"tls": 300, "idle": 100})])
        gate = types.SimpleNamespace(cycles=lambda: next(cycles))
        with mock.patch.multiple(profiling, worker_threads=lambda pid: [7] if pid == 1 else [], thread_s=mock.Mock(side_effect=[3.0, 5.5]),
                                 record=mock.Mock(side_effect=[["idle"], ["busy"]])):
            return profiling.observe(gate, 1, load, 0.01, pathlib.Path("/nonexistent"))

    def test_steps_are_of_the_whole_load_and_the_idle_share_of_what_was_recorded(self):
        seen = self.observe(lambda: 30)
        self.assertEqual(seen["steps"][0][:2], ("tls", 1e5))
        self.assertAlmostEqual(seen["idle"], 1 - 2.0 / 2.5)
        self.assertEqual((seen["operations"], seen["idle_samples"], seen["samples"]), (30, ["idle"], ["busy"]))

    def test_a_load_that_fails_is_told(self):
        self.assertRaises(ValueError, self.observe, mock.Mock(side_effect=ValueError("reset")))

    def test_no_worker_is_told(self):
        with mock.patch.object(profiling, "worker_threads", return_value=[]):
            self.assertRaises(RuntimeError, profiling.observe, None, 1, None, 1, None)


class Clients(unittest.TestCase):
    def test_memif_is_preferred_where_sluice_load_is_built(self):
        bench = types.SimpleNamespace(clients=("wrk", "sluice-load over AF_XDP", "sluice-load over memif"))
        nowhere = pathlib.Path("/nonexistent")
        self.assertEqual(profiling.client_of(bench, None, nowhere), "wrk")
        self.assertRaises(RuntimeError, profiling.client_of, bench, "sluice-load over memif", nowhere)
        everywhere = mock.MagicMock()
        self.assertEqual(profiling.client_of(bench, None, everywhere), "sluice-load over memif")
        self.assertEqual(profiling.client_of(bench, "wrk", everywhere), "wrk")

    def test_who_cannot_ask_is_not_taken(self):
        holds = types.SimpleNamespace(clients=("hold",))
        self.assertRaises(RuntimeError, profiling.client_of, holds, None, mock.MagicMock())


class Flame(unittest.TestCase):
    def test_stacks_are_folded_from_the_outermost(self):
        self.assertEqual(flame.folded(profiling.parse(STACKS, True)), {(frame("shard_loop"), frame("inner")): 1, (frame("shard_loop"), frame("rcu_core", "kernel")): 1})

    def test_widths_are_shares_and_the_picture_is_xml(self):
        root = xml.fromstring(flame.svg("a < b", [[frame("f<1>"), frame("main")]] * 3 + [[frame("main")]], {frame("main")}))
        titles = [e.text for e in root.iter("{http://www.w3.org/2000/svg}title")]
        self.assertEqual(titles, ["main (sluice): 4 samples, 100.0 %", "f<1> (sluice): 3 samples, 75.0 %"])
        main, inner = [g.find("{http://www.w3.org/2000/svg}rect") for g in root.iter("{http://www.w3.org/2000/svg}g")]
        self.assertAlmostEqual(float(inner.get("width")) / float(main.get("width")), 0.75, places=2)
        self.assertGreater(float(main.get("y")), float(inner.get("y")))
        self.assertEqual(main.get("fill"), flame.COLOURS["polls"])

    def test_no_samples_are_a_picture_too(self):
        xml.fromstring(flame.svg("nothing", []))


if __name__ == "__main__":
    unittest.main()
