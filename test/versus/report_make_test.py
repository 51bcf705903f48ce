"""What reports are made of: figures of both shapes, aims met and missed, the README's part. Made-up figures; nothing is measured."""

import contextlib
import io
import json
import pathlib
import tempfile
import unittest
from unittest import mock

import report_make as report
import report_data as data
import report_machine as machine
import report_page as page

VETH, MEMIF = "wrk over AF_XDP on veth", "sluice-load over memif"


def spread(mid):
    return {"median": mid, "min": mid * 0.9, "max": mid * 1.3, "p10": mid * 0.95, "p90": mid * 1.1}


def figure(name, way, who, us, **more):
    return {"name": name, "way": way, "who": who, "us": spread(us), **more}


def bench(figures, aims=(), name="request"):
    return {"bench": name, "command": f"scripts/bench {name} --seconds 10", "date": "2026-01-02T03:04:05Z",
            "machine": {"cpu": "Test CPU", "kernel": "6.1", "cores": 2, "dpdk": "DPDK 22.11.1", "nginx": "nginx/1.22.1"}, "figures": figures, "aims": list(aims)}


REQUEST = bench([figure("get", VETH, "sluice", 3.0), figure("get", VETH, "nginx", 14.0), figure("get", VETH, "hitch", 12.0), figure("get", MEMIF, "sluice", 1.0)],
                [{"name": "get", "way": VETH, "aim": 3, "reached": 4.0, "best_rival": "hitch"}, {"name": "get", "way": MEMIF, "aim": 20, "reached": 12.0, "best_rival": "hitch"}])
OLD = [{"bench": "tls-handshake", "machine": {"cpu": "Test CPU", "features": ["avx512f", "vaes"]},
        "figures": [{"name": "1.3-p256", "who": "sluice", "in_flight": 8, "us": spread(45), "how": "waves"},
                    {"name": "1.3-p256", "who": "openssl", "in_flight": 8, "us": spread(200), "how": "waves", "ratio": {"to": "sluice", "times": 4.444}}]}]


class Figures(unittest.TestCase):
    def test_a_spread_is_the_tenths_and_one_number_has_none(self):
        self.assertEqual(data.spread({"us": {"median": 2, "p10": 1, "p90": 4}}, "us"), (2, 1, 4))
        self.assertEqual(data.spread({"us": {"median": 2, "p10": None, "min": 0, "max": 9}}, "us"), (2, 0, 9))
        self.assertEqual(data.spread({"bytes": 7}, "bytes"), (7, 7, 7))

    def test_groups_leave_out_what_is_the_same_for_all(self):
        labels = [label for label, _ in data.groups([figure("a", VETH, "sluice", 1), figure("a", VETH, "nginx", 2), figure("b", VETH, "sluice", 1)])]
        self.assertEqual(labels, ["a", "b"])
        self.assertEqual([label for label, _ in data.groups(REQUEST["figures"])], [VETH, MEMIF])

    def test_numbers_before_the_metric_tell_subjects_apart_and_those_behind_do_not(self):
        about = data.subject({"name": "ack", "connections": 9, "who": "sluice", "cycles": spread(1), "without_free": 5})
        self.assertEqual(about, {"name": "ack", "connections": 9})

    def test_percentiles_are_in_order_and_without_the_mean(self):
        found = data.percentiles({"latency_us": {"mean": 3, "p99.9": 9, "p50": 1, "p99": 5, "max": 40}})
        self.assertEqual([v for _, v in found], [1, 5, 9])
        self.assertAlmostEqual(found[-1][0], 0.001)

    def test_percentiles_beside_a_figure_are_found_too(self):
        found = data.percentiles({"who": "x", "p99_us": spread(5), "p50_us": 2, "p99.9_us": spread(7), "p999_us": 7, "loop_p50_us": 1})
        self.assertEqual([(round(share, 4), v) for share, v in found], [(0.5, 2), (0.01, 5), (0.001, 7)])

    def test_digits(self):
        for value, text in ((0, "0"), (1234567, "1,234,567"), (61.34, "61.3"), (3.304, "3.30"), (8, "8"), (0.0123, "0.012")):
            self.assertEqual(data.digits(value), text)

    def test_what_has_no_figures_is_refused(self):
        with tempfile.TemporaryDirectory() as d:
            file = pathlib.Path(d) / "x.json"
            file.write_text('{"program": "other"}')
            self.assertRaises(ValueError, data.load, file)


class Summary(unittest.TestCase):
    def test_aims_are_met_and_missed(self):
        rows = page.summary_rows([REQUEST])
        self.assertEqual([(r[1], r[4], r[5], r[6]) for r in rows], [(VETH, "4 ×", "3 ×", "met"), (MEMIF, "12 ×", "20 ×", "missed")])
        self.assertIn("Aims: 1 met, 1 missed.", page.summary([REQUEST]))

    def test_an_aim_that_is_just_reached_is_met(self):
        aims = [{"name": "get", "way": VETH, "aim": 4, "reached": 4, "best_rival": "hitch"}]
        self.assertEqual(page.summary_rows([bench(REQUEST["figures"], aims)])[0][6], "met")

    def test_a_rival_measured_another_way_is_named_with_it(self):
        self.assertTrue(page.summary_rows([REQUEST])[1][3].endswith(f"hitch ({VETH})"))
        self.assertTrue(page.summary_rows([REQUEST])[0][3].endswith("hitch"))

    def test_what_was_not_measured_is_neither_met_nor_missed(self):
        aims = [{"name": "get", "way": VETH, "aim": 3, "reached": None, "best_rival": None}]
        row = page.summary_rows([bench([], aims)])[0]
        self.assertEqual(row[2:], ["not measured", "not measured", "", "3 ×", "not measured"])

    def test_without_an_aim_the_best_rival_is_found(self):
        self.assertEqual(page.summary_rows([bench(REQUEST["figures"])])[0][3:6], ["12.0 µs (11.4..13.2), hitch", "4 ×", "none"])
        more = bench([{"name": "rate", "way": "x", "who": w, "per_s": r} for w, r in (("sluice", 10), ("a", 4), ("b", 5))])
        self.assertEqual(page.summary_rows([more])[0][3:5], ["5 per second, b", "2 ×"])

    def test_an_aim_may_name_a_way_alone(self):
        fast, slow, rival = "wrk, AF_XDP on veth; busy cycles", "load, memif; busy cycles", "wrk, kernel's veth; core time"
        figures = [figure("get", fast, "sluice", 3.0), figure("get", slow, "sluice", 1.0), figure("get", rival, "nginx", 9.0), figure("get", rival, "hitch", 8.0)]
        rows = page.summary_rows([bench(figures, [{"name": fast, "aim": 3, "reached": 2.67}, {"name": slow, "aim": 8, "reached": 8.0}])])
        self.assertEqual(rows[0], ["request", fast, "3.00 µs (2.85..3.30)", "8.00 µs (7.60..8.80), hitch (kernel's veth; core time)", "2.67 ×", "3 ×", "missed"])
        self.assertEqual(rows[1][3:], [f"8.00 µs (7.60..8.80), hitch ({rival})", "8 ×", "8 ×", "met"])

    def test_an_aim_for_memory_is_found_by_its_client(self):
        figures = [{"name": "idle", "who": w, "bytes": b, "way": "hold; resident memory and the kernel's"} for w, b in (("sluice", 1000), ("nginx", 20000))]
        row = page.summary_rows([bench(figures, [{"name": "hold, AF_XDP on veth; core time", "aim": 20, "reached": 20.0}], "idle")])[0]
        self.assertEqual(row[1:], ["hold; resident memory and the kernel's", "1,000 bytes", "20,000 bytes, nginx", "20 ×", "20 ×", "met"])
        other = [figure("get", "wrk, a; core time", "sluice", 1.0)]
        self.assertEqual(page.summary_rows([bench(other, [{"name": "wrk, a; busy cycles", "aim": 2, "reached": None}])])[0][2], "not measured")

    def test_who_was_asked_the_same_way_is_nearest(self):
        among = [{"way": "wrk, a"}, {"way": "wrk, b"}, {"way": "load, b"}]
        for way, found in (("wrk, b", among[1:2]), ("wrk, c", among[:2]), ("ab, c", among)):
            self.assertEqual(page.nearest(among, way), found)

    def test_rivals_of_as_many_workers_are_compared(self):
        figures = [{"name": "request", "workers": n, "who": w, "us": us, "way": "wrk, x"} for n, w, us in ((1, "sluice", 2), (1, "nginx", 8), (2, "sluice", 3), (2, "nginx", 6))]
        self.assertEqual([(r[0], r[4]) for r in page.summary_rows([bench(figures)])], [("request, workers 1", "4 ×"), ("request, workers 2", "2 ×")])

    def test_remarks_are_pointed_at_and_told(self):
        remarked = REQUEST | {"remarks": ["others used the core"]}
        self.assertIn("Remarks were made during request", page.summary([remarked]))
        self.assertIn("- others used the core\n", page.section("request", [remarked], [[]], {"benches": {}}))

    def test_benchmarks_of_parts_are_not_in_it(self):
        self.assertEqual(page.summary(OLD), "Nothing here was measured against others.\n")


class Page(unittest.TestCase):
    def setUp(self):
        self.run_info = {"date": "2026-01-02", "commit": "abc", "machine": machine.from_reports([REQUEST, *OLD]),
                         "benches": {"request": {"command": "scripts/bench request --seconds 3", "status": 0, "took_s": 9.1,
                                                 "load": {"before": 0.1, "least": 0.2, "most": 2.5, "stolen_percent": 1.5}},
                                     "bulk": {"command": "scripts/bench bulk", "status": 3, "error": "no veth | here\nat all"}}}
        self.benches = {"request": [REQUEST], "tls": OLD}
        self.text = page.page(self.run_info, self.benches, {"request": [[("request-us.svg", "bars")]], "tls": [[]]}, ["request", "bulk", "idle", "tls"])

    def test_sections_have_command_plot_and_table(self):
        for part in ("## request\n", "    scripts/bench request --seconds 3\n", "![bars](request-us.svg)", "| get | wrk over AF_XDP on veth | nginx | 14.0 (13.3..15.4) |",
                     "load average 0.2 to 2.5, stolen 1.5 %", "4.44 × sluice", "## What this does not show", "All: in flight 8, how waves."):
            self.assertIn(part, self.text)

    def test_failed_and_absent_benchmarks_are_named(self):
        for part in ("`scripts/bench bulk` failed with status 3", "  no veth | here\n  at all", "Not run: idle, tls."):
            self.assertIn(part, self.text)

    def test_the_machine_is_told_from_the_figures(self):
        for part in ("Test CPU", "DPDK 22.11.1, nginx 1.22.1", "AVX-512, VAES"):
            self.assertIn(part, self.text)

    def test_every_row_of_a_table_has_as_many_cells_as_its_head(self):
        lines = [line for line in self.text.splitlines() if line.startswith("|")]
        width = 0
        for before, line in zip([""] + lines, lines):
            cells = line.replace("\\|", "").count("|")
            if set(line) <= set("|-:"):
                self.assertEqual(cells, before.count("|"))
                width = cells
            elif width and before and set(before) <= set("|-:"):
                self.assertEqual(cells, width)

    def test_long_tables_are_folded(self):
        self.assertIn("<details>", page.figures_table([figure(str(i), "w", "sluice", i + 1) for i in range(page.LONG_TABLE + 1)]))

    def test_the_readme_keeps_what_is_around_the_marks(self):
        block = page.readme_block(self.run_info, self.benches)
        once = page.put_into(f"a\n{page.BEGIN}\nold\n{page.END}\nb\n", block)
        self.assertTrue(once.startswith(f"a\n{page.BEGIN}\n") and once.endswith(f"{page.END}\nb\n"))
        self.assertNotIn("old", once)
        self.assertEqual(page.put_into(once, block), once)
        self.assertRaises(ValueError, page.put_into, "no marks", block)

    def test_the_readme_has_the_marks(self):
        page.put_into(report.README.read_text(encoding="utf-8"), "")


class Whole(unittest.TestCase):
    """report.main over saved figures, and over a stand-in for the benchmarks."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        for what in ("OUT", "KEPT", "README"):
            patch = mock.patch.object(report, what, self.dir / what)
            patch.start()
            self.addCleanup(patch.stop)

    def main(self, *arguments, known=("request", "bulk")):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return report.main(list(arguments), list(known))

    def test_from_saved_figures_nothing_is_measured(self):
        saved = self.dir / "saved"
        saved.mkdir()
        (saved / "request.json").write_text(json.dumps(REQUEST))
        (saved / "tls.json").write_text(json.dumps(OLD))
        with mock.patch.object(report, "measure", side_effect=AssertionError):
            self.assertEqual(self.main("--from", str(saved), "--only", "request"), 0)
        text = (self.dir / "OUT" / "report.md").read_text()
        self.assertIn("2026-01-02T03:04:05Z", text)
        self.assertNotIn("## tls", text)

    def test_write_puts_it_into_the_tree(self):
        saved = self.dir / "saved"
        saved.mkdir()
        (saved / "request.json").write_text(json.dumps(REQUEST))
        (self.dir / "README").write_text(f"{page.BEGIN}\n{page.END}\n")
        self.main("--from", str(saved), "--write")
        self.assertTrue((self.dir / "KEPT" / "report.md").exists())
        self.assertIn("| get | wrk over AF_XDP on veth |", (self.dir / "README").read_text())

    def test_a_failing_benchmark_does_not_stop_the_others(self):
        def stand_in(name, seconds, folder):
            (folder / "request.json").write_text(json.dumps(REQUEST))
            return {"command": f"scripts/bench {name} --seconds {seconds:g}", "took_s": 1, "load": {"before": 0, "least": 0, "most": 0, "stolen_percent": 0},
                    "status": int(name == "bulk"), "error": "broken"}

        with mock.patch.object(report, "measure_one", stand_in):
            self.assertEqual(self.main("--seconds", "2"), 1)
        text = (self.dir / "OUT" / "report.md").read_text()
        self.assertIn("`scripts/bench bulk --seconds 2` failed", text)
        self.assertIn("## request", text)

    def test_unknown_names_end_it(self):
        self.assertRaises(SystemExit, self.main, "--only", "reqest")


class Machine(unittest.TestCase):
    def test_versions_are_found_in_what_programs_say(self):
        for text, version in (("nginx version: nginx/1.22.1", "1.22.1"), ("HAProxy version 2.6.12-1+deb12u2 2025", "2.6.12-1+deb12u2"), ("OpenSSL 3.0.19 27 Jan 2026", "3.0.19"),
                              ("hitch 1.7.3", "1.7.3"), ("none", None)):
            self.assertEqual(machine.version(text), version)

    def test_it_describes_this_one(self):
        found = machine.describe()
        self.assertGreater(found["memory_bytes"], 1 << 20)
        self.assertGreaterEqual(found["cores"], 1)

    def test_load_is_watched(self):
        with machine.Load() as load:
            pass
        self.assertLessEqual(load.found["least"], load.found["most"])


if __name__ == "__main__":
    unittest.main()
