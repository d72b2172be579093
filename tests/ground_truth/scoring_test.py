#!/usr/bin/env python3
"""Tests the table on made-up facts: the model without a kernel, the floor of real runs, and skill between the two."""
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from machine.cases import node_of_cpu  # noqa: E402
from scoring.checks import check, floor_score, null_score, score_of, skill  # noqa: E402
from scoring.expected import Expected, two_of_three  # noqa: E402
from scoring.facts import MIB, PAGE, null_facts, real_facts  # noqa: E402
from scoring.live import limits  # noqa: E402
from scoring.live_gate import excuse_live  # noqa: E402
from scoring.pressure import check_pressure, named, pressure_of_report  # noqa: E402


def facts(**changed):
    """A quiet run that wanted 64 MiB."""
    quiet = {"verdict": "fits", "kills": [], "at_kswapd_wake": None, "at_kswapd_scan": None, "at_direct": None,
             "at_swapout": None, "at_oom": None, "pgsteal": 0, "pgscan": 0, "pswpout": 0, "pswpin": 0,
             "refault_file": 0, "refault_anon": 0, "direct_share": None, "futile_stalls": None,
             "footprint_peak": 64 * MIB}
    return {**quiet, **changed}


class Zswap(unittest.TestCase):
    def test_a_case_without_it_is_not_asked_for_it(self):
        self.assertNotIn("zswpout", check([facts()], facts()))

    def test_a_case_with_it_is(self):
        kept = {"zswpout": 5000, "zswpin": 100, "zswap_written_back": 4, "zswap_pool_peak": 34 * MIB}
        rows = check([facts(**kept)], facts(**{**kept, "zswpout": 9000}))
        self.assertEqual([rows[name][0] for name in kept], [False, True, True, True])


class Limits(unittest.TestCase):
    def test_the_tighter_of_two_nested_groups_counts(self):
        case = {"cgroup": {"memory.max": "200", "memory.low": "9"}, "cgroup_parent": {"memory.max": "100"}}
        self.assertEqual(limits(case), {"memory.max": "100", "memory.low": "9"})
        case["cgroup_parent"]["memory.max"] = "max"
        self.assertEqual(limits(case)["memory.max"], "200")


class Null(unittest.TestCase):
    def meminfo(self, free_mib, swap_mib):
        return f"MemFree: {free_mib * 1024} kB\nSwapFree: {swap_mib * 1024} kB\n"

    def test_within_free_memory_all_is_well(self):
        said = null_facts(self.meminfo(100, 0), [facts()], {})
        self.assertEqual((said["verdict"], said["at_kswapd_wake"], said["pgsteal"]), ("fits", None, 0))

    def test_beyond_it_without_swap_everything_happens_at_memfree(self):
        said = null_facts(self.meminfo(60, 0), [facts()], {})
        self.assertEqual((said["verdict"], said["at_kswapd_wake"], said["at_oom"]), ("oom_kill", 60 * MIB, 60 * MIB))

    def test_with_swap_the_excess_is_swapped_out(self):
        said = null_facts(self.meminfo(60, 200), [facts()], {})
        self.assertEqual((said["verdict"], said["pswpout"], said["at_oom"]), ("direct_reclaim", 4 * MIB / PAGE, None))

    def test_a_cgroup_limit_counts_instead_of_free_memory(self):
        said = null_facts(self.meminfo(600, 200), [facts()], {"cgroup": {"memory.max": str(40 * MIB), "memory.low": "9"}})
        self.assertEqual((said["verdict"], said["at_direct"]), ("direct_reclaim", 40 * MIB))

    def test_max_is_no_limit(self):
        self.assertEqual(null_facts(self.meminfo(600, 0), [facts()], {"cgroup": {"memory.max": "max"}})["verdict"], "fits")

    def test_its_score_is_made_of_the_same_checks(self):
        reals = [facts(verdict="direct_reclaim", at_direct=70 * MIB, pgsteal=5000, pgscan=9000)]
        score = null_score(self.meminfo(600, 0), reals, {})
        self.assertEqual((score.held, score.made), (2, 6))  # pswpout and footprint_peak of six that apply


class Checks(unittest.TestCase):
    def test_a_value_holds_within_the_range_of_the_runs_and_its_tolerance(self):
        reals = [facts(at_oom=100 * MIB), facts(at_oom=110 * MIB)]
        for value, held in ((97, False), (98, True), (105, True), (112, True), (113, False)):
            self.assertEqual(check(reals, facts(at_oom=value * MIB))["at_oom"][0], held, value)

    def test_no_forecast_fails_every_check(self):
        self.assertEqual(score_of(check([facts()], None)).held, 0)

    def test_an_event_that_some_runs_lack_may_be_missing(self):
        reals = [facts(at_direct=100 * MIB), facts()]
        self.assertTrue(check(reals, facts())["at_direct"][0])
        self.assertFalse(check([reals[0]] * 2, facts())["at_direct"][0])

    def test_the_moment_of_a_trickle_to_swap_is_not_asked_for(self):
        self.assertNotIn("at_swapout", check([facts(at_swapout=MIB, pswpout=1023)], facts()))
        self.assertIn("at_swapout", check([facts(at_swapout=MIB, pswpout=1024)], facts()))

    def test_victims_must_agree_in_name_adjustment_and_size(self):
        reals = [facts(kills=[("a", 0, 100 * MIB)])]
        for kill, held in ((("a", 0, 102 * MIB), True), (("a", 0, 104 * MIB), False), (("a", 9, 100 * MIB), False),
                           (("b", 0, 100 * MIB), False)):
            self.assertEqual(check(reals, facts(kills=[kill]))["victims"][0], held, kill)


def lines(total_us, avg10=0.0):
    line = {"avg10": avg10, "avg60": 0.0, "avg300": 0.0, "total_us": total_us}
    return {"some": line, "full": line}


class Pressure(unittest.TestCase):
    def held(self, reals, forecast, value="psi_some_total_us"):
        return check_pressure([named({"host": real}) for real in reals], named({"host": forecast}))[value][0]

    def test_a_total_holds_within_the_runs_and_30_percent_of_their_median(self):
        reals = [lines(1_000_000), lines(1_200_000), lines(2_000_000)]
        for total, held in ((630_000, False), (650_000, True), (2_300_000, True), (2_400_000, False)):
            self.assertEqual(self.held(reals, lines(total)), held, total)

    def test_little_pressure_is_as_good_as_none(self):
        self.assertTrue(self.held([lines(40_000)], lines(0)))
        self.assertFalse(self.held([lines(60_000)], lines(0)))
        self.assertTrue(self.held([lines(0, 1.9)], lines(0), "psi_some_avg10"))
        self.assertFalse(self.held([lines(0, 2.1)], lines(0), "psi_some_avg10"))

    def test_only_what_was_recorded_is_asked_for(self):
        self.assertEqual(check_pressure([{}, {}], named({"host": lines(5)})), {})
        rows = check_pressure([named({"app": lines(5)}), {}], named({"host": lines(5)}))
        self.assertEqual({name for name in rows if "total" in name}, {"psi_group_some_total_us", "psi_group_full_total_us"})
        self.assertFalse(rows["psi_group_some_total_us"][0], "the forecast has no group")

    def test_a_report_has_the_hosts_and_that_of_its_first_group(self):
        report = {"pressure": lines(7), "host": {"cgroups": [{"pressure": lines(8)}, {"pressure": lines(9)}]}}
        facts = pressure_of_report(report)
        self.assertEqual((facts["psi_some_total_us"], facts["psi_group_full_total_us"]), (7, 8))
        self.assertEqual(pressure_of_report({}), {})


class Floor(unittest.TestCase):
    def test_equal_runs_hold_everything(self):
        self.assertEqual(floor_score([facts()] * 3).share, 1)

    def test_a_run_unlike_the_others_lowers_it(self):
        score = floor_score([facts(), facts(), facts(footprint_peak=99 * MIB)])
        self.assertAlmostEqual(score.made - score.held, 1 / 3)

    def test_one_run_tells_nothing(self):
        self.assertEqual(floor_score([facts()]).made, 0)

    def test_skill_is_where_the_score_stands_between_null_and_floor(self):
        self.assertAlmostEqual(skill(0.75, 0.5, 1.0), 0.5)
        self.assertIsNone(skill(0.75, 0.9, 0.9))


class ExpectedResults(unittest.TestCase):
    ROWS = {"verdict": (True, 1, 1), "pgscan": (False, 2, 9), "pswpin": (True, 0, 0)}

    def expected(self, held, made):
        return Expected({("a", "model"): (held, made, "pgscan" if held < made else "-")})

    def test_a_case_that_misses_more_is_named_with_what_it_misses(self):
        self.assertEqual(self.expected(3, 3).complaint("a", "model", self.ROWS),
                         "a, model: misses 1 of 3 checks (pgscan), expected are 0 of 3 (-)")
        self.assertIsNone(self.expected(2, 3).complaint("a", "model", self.ROWS))

    def test_another_miss_for_a_known_one_is_worse_of_the_model_which_is_the_same_in_every_run(self):
        expected = Expected({("a", column): (2, 3, "pgsteal") for column in ("model", "capture")})
        self.assertIn("misses 1 of 3 checks (pgscan), expected are 1 of 3 (pgsteal)",
                      expected.complaint("a", "model", self.ROWS))
        self.assertIsNone(expected.complaint("a", "capture", self.ROWS))

    def test_a_forecast_that_is_asked_more_may_hold_as_much_and_miss_more(self):
        self.assertIsNotNone(self.expected(2, 2).complaint("a", "model", self.ROWS))
        self.assertIsNone(self.expected(9, 10).complaint("a", "model", self.ROWS), "two are no longer asked for")

    def test_no_forecast_at_all_is_worse(self):
        rows = check([facts(pgsteal=5000)], None)
        self.assertIsNotNone(self.expected(len(rows) - 1, len(rows)).complaint("a", "model", rows))

    def test_a_case_without_a_line_is_a_complaint_and_so_is_a_line_without_a_case(self):
        self.assertIn("--update", self.expected(2, 3).complaint("b", "model", self.ROWS))
        self.assertEqual(self.expected(2, 3).without_result(["model"], {("b", "model")}), ["a, model: no result, 2/3 expected"])
        self.assertEqual(self.expected(2, 3).without_result(["capture"], set()), [])

    def test_better_is_told_apart_from_as_expected(self):
        self.assertTrue(self.expected(1, 3).improved("a", "model", self.ROWS))
        self.assertFalse(self.expected(2, 3).improved("a", "model", self.ROWS))

    def test_what_is_written_is_read_again(self):
        expected = Expected()
        expected.put("b", "capture", self.ROWS)
        with tempfile.TemporaryDirectory() as directory:
            expected.write(f"{directory}/x.tsv")
            self.assertEqual(Expected.read(f"{directory}/x.tsv").lines, {("b", "capture"): (2, 3, "pgscan")})
            with open(f"{directory}/x.tsv", "a") as file:
                file.write("c\tmodel\tthree\t3\t-\n")
            with self.assertRaisesRegex(ValueError, "c model three"):
                Expected.read(f"{directory}/x.tsv")

    def test_worse_is_what_two_runs_of_three_are(self):
        for runs, used in (("g", 1), ("wgg", 3), ("ww", 2), ("wgw", 3)):
            given = iter(runs + "x")
            last = two_of_three(lambda: next(given), lambda run: run == "w")
            self.assertEqual((last, next(given)), (runs[-1], (runs + "x")[used]), runs)


class Inputs(unittest.TestCase):
    def test_a_refused_allocation_is_a_verdict_and_so_is_a_kill(self):
        delta = dict.fromkeys(("pgsteal_kswapd", "pgsteal_direct", "pgsteal_anon", "pgsteal_file", "pgscan_anon",
                               "pgscan_file", "pswpout", "pswpin", "workingset_refault_file",
                               "workingset_refault_anon"), 0)
        outcome = {"delta": delta, "footprint_peak": 5, "kills": [], "allocstalls": 3, "first_direct_reclaim": None,
                   "first_kswapd_scan": None, "exits": ["exit 1.0 run 0 pid 5 status code 7"]}
        kill = {"comm": "x", "detail": "anon-rss:8kB, UID:0 oom_score_adj:-7"}
        for kills, verdict in (([], "alloc_refused"), ([kill], "oom_kill")):
            self.assertEqual(real_facts({**outcome, "kills": kills})["verdict"], verdict)
        killed = real_facts({**outcome, "kills": [kill]})
        self.assertEqual((killed["kills"], killed["futile_stalls"]), ([("x", -7, 8192)], 3))

    def test_a_pinned_cpu_is_looked_up_in_the_case(self):
        self.assertEqual(node_of_cpu({"nodes": [64, 64]}, 1), 1)
        self.assertEqual(node_of_cpu({"nodes": [64, 64], "node_cpus": [[0, 1], []]}, 1), 0)
        self.assertEqual(node_of_cpu({}, 1), 0)


class LiveGate(unittest.TestCase):
    WORSE = ["a, capture: misses 1 of 2 checks (pgscan)", "a, model: misses 1 of 2 checks (pgscan)"]
    HELD, MISSED = (True, 0, (0, 0)), (False, 9, (0, 0))

    def test_single_live_cases_are_excused_while_the_total_holds(self):
        rows = [{"verdict": self.HELD, "pgscan": self.MISSED}, {"verdict": self.HELD, "pgscan": self.HELD}]
        self.assertEqual(excuse_live(self.WORSE, rows, 75), (self.WORSE[:1], self.WORSE[1:]))

    def test_they_are_not_when_too_few_checks_hold_in_all(self):
        rows = [{"verdict": self.HELD, "pgscan": self.MISSED}]
        excused, stays = excuse_live(self.WORSE, rows, 75)
        self.assertEqual(excused, [])
        self.assertEqual(stays[1:], ["live: 50 % of the checks hold, 75 % are expected", self.WORSE[0]])

    def test_nor_when_verdicts_are_wrong(self):
        rows = [{"verdict": self.MISSED, **{f"check {i}": self.HELD for i in range(20)}}]
        excused, stays = excuse_live([], rows, 75)
        self.assertEqual((excused, stays), ([], ["live: 0 % of the verdicts and victims hold, 93 % are expected"]))


unittest.main()
