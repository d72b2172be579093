#!/usr/bin/env python3
"""Tests how a guest's results are read: cases, the initramfs, swap headers and outcomes, without a guest."""
import os
import struct
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from machine.cases import job_text, read_case  # noqa: E402
from machine.guest_files import cpio, make_swap, read_results  # noqa: E402
from machine.kernels import MachineError, package_pattern  # noqa: E402
from machine.outcome import (footprint, kills_of, oom_text, outcome_of, samples_of, store_run, thinned,  # noqa: E402
                             trouble_of, zswap_of)
from machine.packed import sections, snapshot, unpack  # noqa: E402
from machine.store import host_in, meminfo_of, outcomes_in, read  # noqa: E402

COLUMNS = ("t_us", "step", "pages", "swap_used", "-free_node0", "nr_free_pages", "nr_inactive_file", "nr_active_file",
           "nr_anon_pages", "pageoutrun", "allocstall_movable", "pswpout", "oom_kill")


def results(rows, exits="start 0 9 memload\nexit 0.040 run 0 pid 9 status code 0\n", **more):
    data = b"".join(struct.pack(f"<{len(COLUMNS)}I", *row) for row in rows)
    return {"columns": "\t".join(COLUMNS).encode(), "samples": data, "exits": exits.encode(),
            **{name: text.encode() for name, text in more.items()}}


def row(t_ms, anon, swap=0, woken=0, stalls=0, swapped=0, killed=0):
    return (t_ms * 1000, 2, anon, swap, 0, 5000 - anon, 10, 0, 100 + anon, woken, stalls, swapped, killed)


class Outcome(unittest.TestCase):
    def test_first_events_are_the_first_rows_in_which_a_counter_grew(self):
        outcome = outcome_of(results([row(0, 0), row(10, 50, woken=1), row(20, 90, woken=2, stalls=3)]), False)
        self.assertEqual(outcome["first_kswapd_wake"],
                         {"t": 0.01, "step": 2, "bytes": 50 * 4096, "footprint": 50 * 4096, "free_pages": 4950})
        self.assertEqual(outcome["first_direct_reclaim"]["footprint"], 90 * 4096)
        self.assertIsNone(outcome["first_oom"])
        self.assertEqual(outcome["allocstalls"], 3)

    def test_footprint_counts_what_was_swapped_out(self):
        outcome = outcome_of(results([row(0, 0), row(10, 80, swap=40, swapped=40)]), False)
        self.assertEqual(outcome["footprint_peak"], 120 * 4096)

    def test_a_page_that_was_read_back_and_kept_its_slot_counts_once(self):
        base = {"nr_anon_pages": 10, "swap_used": 0, "nr_inactive_anon": 12, "nr_active_anon": 0}
        row = {"nr_anon_pages": 90, "swap_used": 40, "nr_swapcached": 30, "nr_inactive_anon": 80, "nr_active_anon": 17}
        self.assertEqual(footprint(row, base), (90 + 40 - 25 - 10) * 4096, "five of the swap cache are not mapped")
        row["nr_swapcached"] = 0
        self.assertEqual(footprint(row, base), (90 + 40 - 10) * 4096, "and nothing is double without a swap cache")

    def test_shared_memory_belongs_to_the_footprint_resident_or_swapped_out(self):
        base = {"nr_anon_pages": 10, "nr_shmem": 3, "swap_used": 0, "nr_inactive_anon": 15, "nr_active_anon": 0}
        row = {"nr_anon_pages": 30, "nr_shmem": 53, "swap_used": 25, "nr_swapcached": 5, "nr_inactive_anon": 85,
               "nr_active_anon": 0}
        self.assertEqual(footprint(row, base), (20 + 50 + 25 - 5) * 4096, "five are on the lists and in the swap cache")

    def test_a_victim_that_gave_memory_back_before_the_sample_does_not_lower_the_oom_footprint(self):
        outcome = outcome_of(results([row(0, 0), row(10, 90), row(20, 30, killed=1)]), False)
        self.assertEqual(outcome["first_oom"]["footprint"], 90 * 4096)

    def test_memory_of_a_background_process_that_died_was_never_the_runs(self):
        given = results([row(0, 0), row(10, 20), row(20, 5)], "exit 0.015 bg 0 pid 7 status signal 9\n",
                        **{"host/proc/7/status": "RssAnon:\t     80 kB\nVmSwap:\t       40 kB\n"})
        self.assertEqual(outcome_of(given, False)["footprint_peak"], 35 * 4096)

    def test_pressure_is_what_the_run_has_added_on_the_host_and_all_of_its_cgroup(self):
        line = "some avg10=1.50 avg60=0.30 avg300=0.06 total={}\nfull avg10=0.50 avg60=0.10 avg300=0.02 total={}\n"
        given = results([row(0, 0), row(10, 5)], **{"host/proc/pressure/memory": line.format(1000, 400),
                                                    "after/proc/pressure/memory": line.format(51000, 20400),
                                                    "after/cg/app/memory.pressure": line.format(45000, 20000)})
        pressure = outcome_of(given, True)["pressure"]
        self.assertEqual(pressure["host"]["some"], {"avg10": 1.5, "avg60": 0.3, "avg300": 0.06, "total_us": 50000})
        self.assertEqual(pressure["host"]["full"]["total_us"], 20000)
        self.assertEqual(pressure["app"]["some"]["total_us"], 45000)
        self.assertNotIn("outer", pressure)

    def test_a_run_is_rejected_for_what_its_sampler_missed(self):
        outcome = outcome_of(results([row(0, 0), row(900, 4000, woken=1)]), False)
        self.assertIn("gap of 0.900 s", trouble_of(outcome, 0.5, 1 << 30))
        self.assertIn("15.6 MiB", trouble_of(outcome, 1, 8 << 20))
        self.assertIsNone(trouble_of(outcome, 1, 16 << 20))

    def test_kills_come_from_dmesg_and_traces_are_dropped(self):
        text = ("<4>[ 1.0] x invoked oom-killer: order=0\n<4>[ 1.0] Call Trace:\n<4>[ 1.0]  f+0x1\n<4>[ 1.0]  </TASK>\n"
                "<3>[ 1.1] Out of memory: Killed process 88 (redis) total-vm:9kB, anon-rss:8kB, oom_score_adj:0\n"
                "<3>[ 1.2] Memory cgroup out of memory: Killed process 9 (a b) total-vm:1kB\n")
        self.assertEqual([(kill["scope"], kill["pid"], kill["comm"]) for kill in kills_of(text)],
                         [("host", 88, "redis"), ("cgroup", 9, "a b")])
        self.assertEqual(oom_text(text).count("\n"), 3)

    def test_thinning_keeps_the_rows_of_first_events(self):
        given = results([row(i, 0, woken=i >= 4321) for i in range(9000)])
        kept = [r["t_us"] for r in thinned(samples_of(given), outcome_of(given, False))]
        self.assertLess(len(kept), 250)
        self.assertIn(4321000, kept)
        self.assertIn(4320000, kept)


class Packed(unittest.TestCase):
    FILES = {"proc/meminfo": "MemFree: 3 kB\n", "empty": "", "two empty lines": "\n\n", "no end": "a", "z": "\ufeff\u2028\r\n"}

    def test_what_is_packed_comes_out_as_it_was(self):
        self.assertEqual(unpack(snapshot(self.FILES)), self.FILES)
        self.assertEqual(unpack(sections(self.FILES)), self.FILES)

    def test_it_is_what_tail_prints(self):
        with tempfile.TemporaryDirectory() as directory:
            for name in ("a", "b"):
                with open(f"{directory}/{name}", "w") as file:
                    file.write(f"in {name}\n\n")
            printed = subprocess.run(["tail", "-n", "+1", "a", "b"], cwd=directory, capture_output=True, text=True).stdout
        self.assertEqual(sections({"a": "in a\n\n", "b": "in b\n\n"}), printed)

    def test_a_text_with_a_line_like_those_above_the_files_is_refused(self):
        with self.assertRaisesRegex(ValueError, "proc/x has a line"):
            sections({"proc/x": "a\n==> b <==\n"})


class Files(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = f"{self.directory.name}/file"

    def write(self, data):
        with open(self.path, "wb") as file:
            file.write(data)

    def test_a_case_is_stored_in_four_files_whatever_its_number_of_runs(self):
        kill = "<6>guest: start\n<3>[ 1.1] Out of memory: Killed process 88 (redis) total-vm:9kB, anon-rss:8kB, oom_score_adj:0\n"
        given = results([row(0, 0), row(10, 50, woken=1, killed=1)], dmesg=kill,
                        **{"host/proc/meminfo": "MemFree: 3 kB\n", "after/cg/app/memory.max": "max\n"})
        directory = f"{self.directory.name}/case"
        outcome = outcome_of(given, False)
        for number in (1, 2, 3):
            store_run(given, {**outcome, "wall_s": number}, directory, number)
        self.assertEqual(sorted(os.listdir(directory)), ["evidence.txt", "host.snapshot", "outcomes.json", "vmstat.tsv.gz"])
        self.assertEqual([one["wall_s"] for one in outcomes_in(directory)], [1, 2, 3])
        self.assertEqual(meminfo_of(host_in(directory)), "MemFree: 3 kB\n")
        self.assertEqual(sorted(unpack(read(f"{directory}/evidence.txt"))), ["after/cg/app/memory.max", "dmesg/1"])

    def test_a_store_of_folders_is_read_as_well(self):
        directory = f"{self.directory.name}/case"
        os.makedirs(f"{directory}/host/proc")
        for path, text in (("host/proc/meminfo", "MemFree: 4 kB\n"), ("1/outcome.json", "{}"), ("2/outcome.json", "[]")):
            os.makedirs(os.path.dirname(f"{directory}/{path}"), exist_ok=True)
            with open(f"{directory}/{path}", "w") as file:
                file.write(text)
        self.assertEqual((outcomes_in(directory), meminfo_of(host_in(directory))), ([{}, []], "MemFree: 4 kB\n"))

    def test_results_without_an_end_are_none(self):
        self.write(b"FILE a 3\nxyz")
        self.assertIsNone(read_results(self.path))
        self.write(b"FILE a 3\nxyzFILE b/c 1\n\nEND\n\0\0")
        self.assertEqual(read_results(self.path), {"a": b"xyz", "b/c": b"\n"})

    def test_a_swap_image_names_its_last_page(self):
        make_swap(self.path, 2)
        with open(self.path, "rb") as file:
            data = file.read()
        self.assertEqual((len(data), data[4086:4096]), (2 << 20, b"SWAPSPACE2"))
        self.assertEqual(struct.unpack_from("<III", data, 1024), (1, 511, 0))

    def test_an_archive_is_padded_to_four_bytes(self):
        archive = cpio({"init": (0o100755, b"12345")})
        self.assertEqual((archive[:6], len(archive) % 4), (b"070701", 0))
        self.assertIn(b"TRAILER!!!\0", archive)

    def test_a_case_with_an_unknown_key_is_refused_by_name(self):
        self.write(b'{"nodes": [64], "run": [[0, "true"]], "swapp_mb": 3}')
        with self.assertRaisesRegex(MachineError, "swapp_mb"):
            read_case(self.path)

    def test_a_flavour_is_one_kind_of_package(self):
        names = ["linux-image-6.1.0-57-amd64", "linux-image-6.1.0-57-cloud-amd64", "linux-image-6.1.0-57-rt-amd64",
                 "linux-image-6.12.117+deb12-amd64", "linux-image-6.12-amd64-signed-template"]
        fits = lambda flavour, version: [name for name in names if package_pattern(version, flavour).fullmatch(name)]
        self.assertEqual(fits("generic", "6.1"), [names[0]])
        self.assertEqual(fits("cloud", "6.1"), [names[1]])
        self.assertEqual(fits("generic", "6.12"), [names[3]])

    def test_what_zswap_did_is_kept_of_cases_that_have_it(self):
        row = lambda out, pool: {"zswpin": 1, "zswpout": out, "zswap_written_back_pages": 3,
                                 "zswap_pool_total_size": pool, "zswap_stored_pages": out}
        self.assertEqual(zswap_of([row(5, 0), row(9, 8192), row(9, 4096)]),
                         {"zswap": {"zswpin": 0, "zswpout": 4, "written_back": 0, "pool_peak_bytes": 8192,
                                    "stored_peak": 9}})
        self.assertEqual(zswap_of([{"t_us": 0}]), {})

    def test_a_case_becomes_a_job(self):
        self.write(b'{"nodes": [64, 64], "swap_mb": 8, "membind": "0", "run": [[-5, "memload w:0"]]}')
        case = read_case(self.path)
        self.assertEqual((case["node_cpus"], case["distances"]), ([[0], [1]], [[10, 20], [20, 10]]))
        lines = job_text(case).splitlines()
        self.assertIn("zram_mb 0", lines)
        self.assertTrue({"swap 0 -1", "policy bind 0", "run -5 memload w:0", "sampler_cpu 1"} <= set(lines))

    def test_what_runs_beside_and_what_warms_the_cache_are_lines_of_their_own(self):
        self.write(b'{"nodes": [64], "warm": ["cat /data/a"], "run": [[0, "true"]], "beside": [[5, "cat /data/b"]], '
                   b'"host": {"page_cache": []}}')
        lines = job_text(read_case(self.path)).splitlines()
        self.assertTrue({"warm 0 cat /data/a", "run 0 true", "beside 5 cat /data/b"} <= set(lines))

    def test_a_group_around_the_cgroup_comes_first_and_not_alone(self):
        self.write(b'{"nodes": [64], "cgroup_parent": {"memory.max": "9"}, "cgroup": {"memory.low": "5"}, '
                   b'"zram_mb": 16, "run": [[0, "true"]]}')
        lines = job_text(read_case(self.path)).splitlines()
        self.assertLess(lines.index("cgroup_parent memory.max 9"), lines.index("cgroup memory.low 5"))
        self.assertIn("zram_mb 16", lines)
        self.write(b'{"nodes": [64], "cgroup_parent": {"memory.max": "9"}, "run": [[0, "true"]]}')
        with self.assertRaisesRegex(MachineError, "cgroup_parent needs a cgroup"):
            read_case(self.path)


unittest.main()
