"""Drawings: what they say, and that gnuplot takes them."""

import pathlib
import tempfile
import unittest
import xml.etree.ElementTree as xml

import plot


def figure(who, us, way="veth", **more):
    return {"name": "get_a_b", "way": way, "who": who, "us": {"median": us, "p10": us * 0.9, "p90": us * 1.2, "min": us * 0.8}, **more}


LATENCY = {"p50": 10, "p90": 20, "p99": 40, "p99.9": 200, "p99.99": 900}
REPORT = {"bench": "request", "figures": [
    figure("sluice", 3, process_us={"median": 2.0}, polling_us={"median": 0.5}, latency_us=LATENCY), figure("nginx", 14, latency_us=LATENCY, ratio={"to": "sluice", "times": 4.667}),
    figure("sluice", 1, way='mem"if', latency_us=LATENCY)]}


class Plots(unittest.TestCase):
    def test_a_contestant_has_one_colour(self):
        scripts = [script for _, _, script in plot.plots("request", REPORT)]
        self.assertEqual(len(scripts), 2)
        for who in ("sluice", "nginx"):
            self.assertTrue(all(plot.colour(who) in s for s in scripts))
        self.assertEqual(plot.colour("new"), plot.colour("new"))
        self.assertEqual(len(set(plot.COLOURS.values()) & set(plot.SPARE)), 0)

    def test_bars_have_value_ratio_spread_and_the_process_alone(self):
        script = plot.bars("request", REPORT["figures"], "us")
        for part in ('"14   4.67 ×"', "arrow from 12.6,", "rings: CPU time", "less is better", "$rings << EOD\n2.5 1.5\n"):
            self.assertIn(part, script)

    def test_far_apart_values_are_drawn_on_a_logarithm(self):
        self.assertNotIn("logscale", plot.bars("b", [figure("sluice", 1), figure("nginx", 50)], "us"))
        self.assertIn("logscale", plot.bars("b", [figure("sluice", 1), figure("nginx", 100)], "us"))

    def test_too_many_bars_are_none(self):
        self.assertTrue(plot.can_be_bars([figure("a", 1)] * plot.MOST_BARS, "us"))
        self.assertFalse(plot.can_be_bars([figure("a", 1)] * (plot.MOST_BARS + 1), "us"))
        self.assertFalse(plot.can_be_bars([figure("a", 0)], "us"))

    def test_marks_of_an_axis(self):
        self.assertEqual(plot.ticks(0, 35, False), '"0" 0, "5" 5, "10" 10, "15" 15, "20" 20, "25" 25, "30" 30, "35" 35')
        self.assertEqual(plot.ticks(9, 2800, True), '"10" 10, "100" 100, "1,000" 1000')
        self.assertEqual(plot.ticks(9, 60, True), '"10" 10, "20" 20, "50" 50')
        self.assertEqual([plot.duration(v) for v in (0.5, 20, 5000, 2e6)], ["0.5 µs", "20 µs", "5 ms", "2 s"])

    def test_a_spread_far_wider_than_the_bars_is_cut_off(self):
        wild = figure("nginx", 4) | {"us": {"median": 4, "p10": 3, "p90": 400}}
        script = plot.bars("b", [figure("sluice", 3), wild], "us")
        self.assertIn("to 8.24,1.5 head size", script)
        self.assertIn("to 3.6,0.5 heads", script)

    def test_a_spinning_worker_has_no_ring(self):
        spins = figure("sluice", 3, way="wrk, AF_XDP; busy cycles", process_us={"median": 2})
        self.assertNotIn("rings:", plot.bars("b", [spins], "us"))

    def test_curves_need_two_percentiles_and_few_lines(self):
        self.assertFalse(plot.can_be_curves([figure("a", 1, p99_us=7)]))
        self.assertTrue(plot.can_be_curves([figure("a", 1, p50_us=3, p99_us=7)]))
        self.assertFalse(plot.can_be_curves([figure("a", 1, p50_us=3, p99_us=7)] * (plot.MOST_CURVES + 1)))

    def test_every_way_has_its_dashes_and_most_are_solid(self):
        script = plot.curves("request", [figure("sluice", 1, "memif", latency_us=LATENCY), figure("a", 1, latency_us=LATENCY), figure("b", 1, latency_us=LATENCY)])
        self.assertRegex(script, r"\$c0 using 1:2 with linespoints lw 2.6 dt 2 ")
        self.assertRegex(script, r"\$c1 using 1:2 with linespoints lw 1.8 dt 1 ")
        self.assertLess(script.index('set label "veth"'), script.index('set label "memif"'))

    @unittest.skipUnless(plot.can_draw(), "no gnuplot here")
    def test_gnuplot_draws_what_xml_readers_read(self):
        with tempfile.TemporaryDirectory() as d:
            for suffix, _, script in plot.plots("request", REPORT):
                path = pathlib.Path(d) / f"{suffix}.svg"
                plot.draw(script, path)
                text = "".join(xml.parse(path).getroot().itertext())
                for part in ("nginx", "get_a_b"):
                    self.assertIn(part, text)

    @unittest.skipUnless(plot.can_draw(), "no gnuplot here")
    def test_what_gnuplot_refuses_is_told(self):
        with tempfile.TemporaryDirectory() as d:
            self.assertRaises(RuntimeError, plot.draw, "plot nonsense(\n", pathlib.Path(d) / "x.svg")


if __name__ == "__main__":
    unittest.main()
