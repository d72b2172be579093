#!/usr/bin/python3
"""Opens pages in headless Chromium: they draw, they show what the JSON says, and nothing in them is taken for markup.

  page_browser_test.py OOMCAST [unittest arguments]

Exits 77 (skipped) where Chromium or python3-websockets is missing; scripts/install_deps --tests installs both.
"""
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    from browser import Browser, find_chromium
except ImportError:
    print("skipped: python3-websockets is not installed", file=sys.stderr)
    sys.exit(77)
import page_reports

# A plot is drawn if some pixel of its canvas is in the colour of a line; a blank canvas has none.
DRAWN = """[...document.querySelectorAll('.canvas')].map(div => [...div.querySelectorAll('canvas')].some(canvas => {
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let inked = 0;
  for (let i = 3; i < pixels.length; i += 4) if (pixels[i] > 60) ++inked;
  return inked > 200; }))"""
PLOT = "document.querySelectorAll('.plot')[0]"


OOMCAST = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else None


class World:
    """What all tests share: one Chromium, the loop that it is driven from, a directory, and pages of usual reports."""
    loop = browser = directory = None
    pages = {}


def setUpModule():
    World.directory = tempfile.TemporaryDirectory(prefix="oomcast-pages.")
    World.loop = asyncio.new_event_loop()
    for name in ("report", "in_a_cgroup", "with_services", "of_an_older_version", "hostile", "sweep", "golden"):
        World.pages[name] = page_of(name, getattr(page_reports, name)())
    World.browser = Browser()
    World.loop.run_until_complete(World.browser.start())


def tearDownModule():
    World.loop.run_until_complete(World.browser.stop())
    World.loop.close()
    World.directory.cleanup()


def page_of(name, document):
    path = os.path.join(World.directory.name, name + ".json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file)
    subprocess.run([OOMCAST, "page", path], check=True, stdout=subprocess.DEVNULL)
    return path.replace(".json", ".html")


class PageTest(unittest.TestCase):
    def setUp(self):
        self.browser = World.browser

    def do(self, awaitable):
        return World.loop.run_until_complete(awaitable)

    def open(self, name, **how):
        self.do(self.browser.open(World.pages.get(name, name), **how))
        self.do(self.browser.until("document.documentElement.dataset.drawn === 'yes'"))

    def run_js(self, script):
        return self.do(self.browser.run(script))

    def assert_quiet(self):
        """No console error, no exception, nothing refused by the policy, nothing asked from anywhere."""
        self.assertEqual(self.browser.complaints, [])
        self.assertEqual([url for url in self.browser.requests if not url.startswith("file:")], [])
        self.assertEqual(len(self.browser.requests), 1)
        self.assertEqual(self.run_js("[...document.querySelectorAll('.failed')].map(e => e.textContent)"), [])


class ReportPage(PageTest):
    def test_draws_all_its_charts_without_a_complaint(self):
        for dark in (False, True):
            self.open("report", dark=dark)
            drawn = self.run_js(DRAWN)
            self.assertEqual(len(drawn), 6)  # two nodes, lists, swap, rates, pressure
            self.assertTrue(all(drawn), drawn)
            self.assert_quiet()

    def test_a_run_of_one_moment_is_drawn_too(self):
        self.open("golden")
        self.assert_quiet()

    def test_each_group_is_drawn_first_against_its_limits(self):
        self.open("in_a_cgroup")
        charts = self.run_js("oomcast.timeGroup.charts.slice(0, 2).map(c => [c.figure.querySelector('h3').textContent, "
                             "c.spec.marks.map(m => [m.name, m.value]), c.range()])")
        self.assertEqual(charts[0][:2], ["Memory of control group /pod/app", [["memory.high", 480 << 20], ["memory.max", 512 << 20]]])
        self.assertGreaterEqual(charts[0][2][1], 512 << 20)  # the limit is in the picture
        self.assertEqual(charts[1][:2], ["Memory of control group /pod", []])
        usage = page_reports.in_a_cgroup()["timeline"]["cgroup_usage_bytes"]
        for row in (1, 300, 599):
            self.run_js(f"oomcast.timeGroup.setCursor({row})")
            self.assertEqual(self.run_js("oomcast.timeGroup.charts.slice(0, 2).map(c => c.values[0].textContent)"),
                             [self.bytes_text(usage[path][row]) for path in ("/pod/app", "/pod")])
        self.assertTrue(all(self.run_js(DRAWN)))
        table = self.run_js("[...document.querySelectorAll('#host table')][0].innerText")
        self.assertIn("512.0 MiB", table)
        self.assertIn("no limit", table)
        self.assert_quiet()

    def test_the_verdict_is_the_first_heading(self):
        self.open("report")
        self.assertTrue(self.run_js("document.querySelector('h1').textContent").startswith("OOM kill, 58.00 s into the run"))
        self.assertEqual(self.run_js("document.querySelectorAll('h1').length"), 1)

    def test_a_press_on_an_incident_moves_the_cursor_and_names_it(self):
        self.open("report")
        self.do(self.browser.click("[...document.querySelectorAll('.incident')].find(b => b.textContent.includes('First swap-out'))"))
        moment = self.run_js("oomcast.data.timeline.t_s[oomcast.timeGroup.row]")
        self.assertAlmostEqual(moment, 44.25, delta=0.06)
        self.assertIn("First swap-out, 44.25 s", self.run_js("document.getElementById('incident').textContent"))
        self.assertIn("%.3f s" % moment, self.run_js("document.querySelector('.clock').textContent"))

    def test_a_flag_on_a_chart_does_the_same(self):
        self.open("report")
        self.do(self.browser.click("[...document.querySelectorAll('.flag')].find(b => b.title.startsWith('OOM kill'))"))
        self.assertAlmostEqual(self.run_js("oomcast.data.timeline.t_s[oomcast.timeGroup.row]"), 58.0, delta=0.06)

    def test_the_values_at_the_cursor_are_those_of_the_report(self):
        self.open("report")
        report = page_reports.report()
        for row in (0, 300, 599):
            self.run_js(f"oomcast.timeGroup.setCursor({row})")
            shown = self.run_js("oomcast.timeGroup.charts.map(c => c.values.map(v => v.textContent))")
            timeline = report["timeline"]
            self.assertEqual(shown[0], [self.bytes_text(timeline["node_free_bytes"]["node0"][row])])
            self.assertEqual(shown[1], [self.bytes_text(timeline["node_free_bytes"]["node1"][row])])
            self.assertEqual(shown[2], [self.bytes_text(timeline[k + "_bytes"][row])
                                        for k in ("active_anon", "inactive_anon", "active_file", "inactive_file")])
            self.assertEqual(shown[4], [f"{timeline[k][row]:,} pages/s" for k in ("pgscank_s", "pgscand_s", "pgsteal_s")])

    @staticmethod
    def bytes_text(count):
        for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
            if count >= size:
                return f"{count / size:.{2 if unit == 'GiB' else 1}f} {unit}"
        return f"{count} B"

    def test_the_marks_of_a_node_are_those_of_its_zones(self):
        self.open("report")
        zones = [z for z in page_reports.report()["host"]["nodes"][0]["zones"] if z["zone"] != "DMA"]
        marks = self.run_js("oomcast.timeGroup.charts[0].spec.marks.map(m => m.value)")
        held = sum(z["free_pages"] for z in page_reports.report()["host"]["nodes"][0]["zones"] if z["zone"] == "DMA")
        self.assertEqual(marks, [(held + sum(z["watermarks"][m] for z in zones)) * 4096 for m in ("min", "low", "high")])

    def test_keys_move_the_cursor_zoom_and_go_to_incidents(self):
        self.open("report")
        self.run_js(PLOT + ".focus(); oomcast.timeGroup.setCursor(100)")
        self.do(self.browser.key("ArrowRight"))
        self.assertEqual(self.run_js("oomcast.timeGroup.row"), 101)
        self.assertIn("free", self.run_js(PLOT + ".getAttribute('aria-valuetext')"))
        self.do(self.browser.key("n", "n"))
        self.assertAlmostEqual(self.run_js("oomcast.data.timeline.t_s[oomcast.timeGroup.row]"), 40.0, delta=0.06)
        self.do(self.browser.key("+", "+"))
        low, high = self.run_js("oomcast.timeGroup.window()")
        self.assertAlmostEqual(high - low, 30, delta=2)
        windows = self.run_js("oomcast.timeGroup.charts.map(c => c.graph.xAxisRange().join())")
        self.assertEqual(len(set(windows)), 1)
        self.do(self.browser.key("0", "0"))
        self.assertGreater(self.run_js("oomcast.timeGroup.window()[1] - oomcast.timeGroup.window()[0]"), 59)

    def test_dragging_over_one_chart_zooms_all(self):
        self.open("report")
        box = self.run_js(f"{PLOT}.scrollIntoView({{block:'center'}}); (r => [r.x, r.y, r.width, r.height])({PLOT}.getBoundingClientRect())")
        y = box[1] + box[3] / 2
        for kind, share in (("mousePressed", 0.4), ("mouseMoved", 0.6), ("mouseReleased", 0.6)):
            self.do(self.browser.call("Input.dispatchMouseEvent", type=kind, x=box[0] + box[2] * share, y=y, button="left",
                                      buttons=1, clickCount=1))
        widths = self.run_js("oomcast.timeGroup.charts.map(c => { const [a, b] = c.graph.xAxisRange(); return b - a; })")
        self.assertLess(max(widths), 30)
        self.assertEqual(len(set(widths)), 1)
        self.assert_quiet()

    def test_the_flame_graph_adds_up_and_can_be_walked(self):
        self.open("report")
        boxes = self.run_js("[...document.querySelectorAll('.flame .frame')].map(b => b.getAttribute('aria-label'))")
        self.assertIn("all, 490.0 MiB, 100 %", boxes)  # at the peak of memory
        self.assertIn("parse_config, 300.0 MiB, 61 %", boxes)
        self.run_js("document.querySelector('.flame .frame').focus()")
        self.do(self.browser.key("ArrowDown"))
        self.assertEqual(self.run_js("document.activeElement.getAttribute('aria-label')"), "heap, 390.0 MiB, 80 %")
        self.do(self.browser.key("Enter"))
        self.assertEqual(self.run_js("document.activeElement.style.width"), "100%")
        self.do(self.browser.key("Escape"))
        self.run_js("(s => { s.value = 'table.c'; s.dispatchEvent(new Event('input')); })(document.querySelector('#code input'))")
        self.assertEqual(self.run_js("document.querySelector('#code .found').textContent"), "90.0 MiB, 18 %")

    def test_a_press_on_an_incident_shows_whose_memory_it_was_then(self):
        self.open("report")
        shown = "[...document.querySelectorAll('.flame .frame')].map(b => b.getAttribute('aria-label'))"
        for name, words, of_parse, of_all in (("First swap-out", "at the first swap-out, 44.25 s", 240, 390), ("OOM kill", "at the OOM kill, 58.00 s", 280, 480)):
            self.do(self.browser.click(f"[...document.querySelectorAll('.incident')].find(b => b.textContent.includes('{name}'))"))
            self.assertEqual(self.run_js("document.querySelector('#code select').selectedOptions[0].textContent"), words)
            self.assertIn(f"parse_config, {of_parse}.0 MiB, {of_parse * 100 / of_all:.0f} %", self.run_js(shown))
            self.assertIn(f"all, {of_all}.0 MiB, 100 %", self.run_js(shown))
            self.assertAlmostEqual(self.run_js("oomcast.data.timeline.t_s[oomcast.timeGroup.row]"), float(words.split()[-2]), delta=0.06)
        self.assert_quiet()

    def test_a_box_too_narrow_for_a_name_has_none(self):
        self.open("report")
        widths = self.run_js("[...document.querySelectorAll('.flame .frame')].map(b => [b.clientWidth, b.textContent.trim() !== ''])")
        self.assertTrue(any(named for _, named in widths))
        self.assertEqual([width for width, named in widths if named and width < 20], [])
        self.assertEqual([width for width, named in widths if not named and width > 40], [])

    def test_an_incident_without_sites_leaves_the_flame_graph(self):
        self.open("report")
        self.do(self.browser.click("[...document.querySelectorAll('.incident')].find(b => b.textContent.includes('First direct reclaim'))"))
        self.assertEqual(self.run_js("document.querySelector('#code select').value"), "peak")

    def test_a_report_of_an_older_version_shows_what_it_has(self):
        self.open("of_an_older_version")
        self.assertEqual(self.run_js("[...document.querySelectorAll('#code option')].map(o => o.value)"), ["resident_bytes_peak", "touched_bytes"])
        self.assertIn("all, 500.0 MiB, 100 %", self.run_js("[...document.querySelectorAll('.flame .frame')].map(b => b.getAttribute('aria-label'))"))
        self.do(self.browser.click("document.querySelector('.incident')"))
        self.assert_quiet()

    def test_sites_are_found_by_a_word_of_their_stack(self):
        self.open("report")
        rows = "[...document.querySelectorAll('#sites tbody tr')].map(r => [...r.children].map(c => c.textContent))"
        self.assertEqual(len(self.run_js(rows)), 4)
        self.run_js("(s => { s.value = 'config.c'; s.dispatchEvent(new Event('input')); })(document.querySelector('#sites input'))")
        self.assertEqual(self.run_js(rows), [["alloc at pool.c:7 (inlined)", "heap", "300.0 MiB", "400.0 MiB", "50 %"]])

    def test_a_finding_shows_what_was_proven(self):
        self.open("report")
        tries = self.run_js("[...document.querySelectorAll('#findings .finding')][0].innerText")
        for words in ("memory.max=700M shown by simulation then: background reclaim", "12 ms instead of 1.83 ms",
                      "Swapped out 1.0 MiB instead of 0 B", "Who dies instead postgres", "cgroup.memory.max=734003200",
                      "Extrapolated: 2 of 9 pages were not watched", "swap of 64M simulated: does not help",
                      "a smaller cache not simulated"):
            self.assertIn(words, " ".join(tries.split()))

    def test_services_and_whom_the_kubelet_ends_are_shown(self):
        self.open("with_services")
        cells = "[...document.querySelectorAll('#services table')].map(t => [...t.querySelectorAll('tbody tr')].map(r => [...r.children].map(c => c.textContent)))"
        services, takings, eviction = self.run_js(cells)
        self.assertEqual([row[:3] for row in services], [["web", "ended by itself", ""], ["job", "evicted by the kubelet", "20.00 s"]])
        self.assertEqual(sorted(takings), sorted([["web", "job", "2.0 MiB"], ["web", "kswapd", "1.0 MiB"]]))
        self.assertEqual(eviction, [["job", "200.0 MiB", "0 B", "0"], ["web", "290.0 MiB", "300.0 MiB", "5"]])
        self.assert_quiet()

    def test_a_report_of_one_program_has_no_services(self):
        self.open("report")
        self.assertEqual(self.run_js("document.querySelectorAll('#services').length"), 0)

    def test_candidates_are_those_of_the_report(self):
        self.open("report")
        kill = page_reports.report()["oom_kills"][0]
        points = self.run_js("[...document.querySelectorAll('#kills tbody tr')].map(r => r.children[2].textContent)")
        expected = sorted((c["points"] for c in kill["candidates"] if c["points"] is not None), reverse=True)
        self.assertEqual([p for p in points if p != "may not be killed"], [f"{p:,}" for p in expected])
        self.assertEqual(self.run_js("document.querySelector('#kills pre').textContent"), "\n".join(kill["dmesg"]))

    def test_every_field_and_button_has_a_name(self):
        self.open("report")
        tree = self.do(self.browser.call("Accessibility.getFullAXTree"))["nodes"]
        asked = {"button", "slider", "searchbox", "combobox", "link", "treeitem", "table"}
        unnamed = [node["role"]["value"] for node in tree
                   if node.get("role", {}).get("value") in asked and not node.get("ignored") and not node.get("name", {}).get("value")]
        self.assertEqual(unnamed, [])

    def test_fits_a_telephone_without_scrolling_sideways(self):
        for name in ("report", "in_a_cgroup", "with_services", "hostile", "sweep"):
            self.open(name, width=400)
            self.assertLessEqual(self.run_js("document.documentElement.scrollWidth"), 400)

    def test_prints_in_light_colours_and_comes_back(self):
        self.open("report", dark=True)
        self.run_js("window.dispatchEvent(new Event('beforeprint'))")
        self.assertEqual(self.run_js("getComputedStyle(document.body).colorScheme"), "light")
        self.assertTrue(all(self.run_js(DRAWN)))
        self.run_js("window.dispatchEvent(new Event('afterprint'))")
        before = self.run_js("getComputedStyle(document.body).backgroundColor")
        path = os.path.join(World.directory.name, "page.pdf")
        self.do(self.browser.pdf(path))
        self.assertGreater(os.path.getsize(path), 10_000)
        self.do(self.browser.until("!document.documentElement.dataset.theme"))
        self.assertEqual(self.run_js("getComputedStyle(document.body).backgroundColor"), before)
        self.assert_quiet()


class HostileReport(PageTest):
    def test_stays_text(self):
        self.open("hostile")
        self.assertIsNone(self.run_js("window.hurt"))
        self.assertEqual(self.run_js("document.querySelectorAll('main script, main img, main svg, main b').length"), 0)
        self.assertIn("<img src=x onerror='window.hurt=2'>", self.run_js("document.body.innerText"))
        self.assertEqual(self.run_js("[...document.querySelectorAll('a')].filter(a => !a.getAttribute('href').startsWith('#')).length"), 0)
        self.assert_quiet()

    def test_a_script_that_gets_into_the_page_is_refused(self):
        self.open("report")
        self.run_js("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.hurt = 1'}))")
        self.assertIsNone(self.run_js("window.hurt"))
        self.do(self.browser.until("true"))
        self.assertTrue(any("Content Security Policy" in text for text in self.browser.complaints), self.browser.complaints)


class SweepPage(PageTest):
    def test_draws_its_curves_and_the_values_of_its_rows(self):
        self.open("sweep")
        drawn = self.run_js(DRAWN)
        self.assertEqual(drawn, [True] * 4)
        self.run_js("oomcast.timeGroup.setCursor(1)")
        shown = self.run_js("oomcast.timeGroup.charts.map(c => c.values.map(v => v.textContent))")
        self.assertEqual(shown[0], ["direct reclaim", "direct reclaim"])
        self.assertEqual(shown[1], ["500 ms", "500 ms"])
        self.assertEqual(shown[2], ["20.0 MiB", "20.0 MiB", "80.0 KiB", "80.0 KiB"])
        self.assert_quiet()

    def test_a_row_of_the_table_moves_the_cursor(self):
        self.open("sweep")
        self.do(self.browser.click("document.querySelectorAll('#rows tbody tr')[5]"))
        self.assertEqual(self.run_js("document.querySelector('.clock').textContent"), "Values at memory=2G")


class DiffPage(PageTest):
    def test_draws_two_runs_over_each_other(self):
        old, new = page_reports.report(), page_reports.report()
        new["timeline"]["t_s"] = [t * 1.5 for t in new["timeline"]["t_s"]]
        new["app"]["footprint_peak_bytes"] *= 2
        for name, document in (("old", old), ("new", new)):
            page_of(name, document)
        place = lambda name: os.path.join(World.directory.name, name)
        status = subprocess.run([OOMCAST, "diff", place("old.json"), place("new.json"), "--html", place("diff.html")],
                                stdout=subprocess.DEVNULL, check=False).returncode
        self.assertEqual(status, 1)
        self.open(place("diff.html"))
        self.assertTrue(all(self.run_js(DRAWN)))
        self.assertEqual(self.run_js("document.querySelector('h1').textContent"), "The new report is worse")
        row = self.run_js("[...[...document.querySelectorAll('#numbers tr')].find(r => r.textContent.startsWith('app.footprint')).children].map(c => c.textContent)")
        self.assertEqual(row[3], "+100.0 %")
        self.assert_quiet()


if __name__ == "__main__":
    if find_chromium() is None:
        print("skipped: chromium is not installed", file=sys.stderr)
        sys.exit(77)
    unittest.main()
