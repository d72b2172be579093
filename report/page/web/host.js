// Shows the host as it was assumed, the program's processes, the kernel's counters, and how far to believe all of it.
(function () {
  "use strict";

  const page = window.oomcast;
  const { element, bytes, count } = page;

  const list = (title, items) => (items && items.length
    ? element("div", {}, element("h3", {}, title), element("ul", {}, items.map((item) => element("li", {}, page.foreign(item))))) : null);
  const pages = (number) => bytes(number * page.PAGE_BYTES);

  const limit = (value) => (value === null ? "no limit" : bytes(value));

  /** The groups that the program is charged to, its own first; reports of older versions have none. */
  const groups = (host) => (host.cgroups && host.cgroups.length
    ? page.table({
      caption: "Control groups of the program", rows: host.cgroups, columns: [
        { title: "Group", header: true, cell: (group) => page.foreign(group.path) },
        { title: "memory.max", number: true, cell: (group) => limit(group.max_bytes) },
        { title: "memory.high", number: true, cell: (group) => limit(group.high_bytes) },
      ],
    }) : null);

  page.drawHost = function (report) {
    page.section("host", "Host", "The host as assumed", (section) => {
      const { host } = report;
      const zones = host.nodes.flatMap((node) => node.zones.map((zone) => ({ node, zone })));
      section.append(
        page.definitions([
          ["Host", page.foreign(host.name)], ["Kernel", page.foreign(host.kernel)],
          ["LRU", host.lru === "mglru" ? "multi-gen LRU" : "classic LRU"], ["Swap", host.swap_bytes ? bytes(host.swap_bytes) : "none"],
        ], "grid"),
        groups(host) || "",
        page.table({
          caption: "Zones, with their watermarks", rows: zones, columns: [
            { title: "Node", header: true, cell: ({ node }) => "node " + node.node },
            { title: "CPUs", number: true, cell: ({ node }) => String(node.cpus.length) },
            { title: "Zone", cell: ({ zone }) => zone.zone },
            { title: "Managed", number: true, cell: ({ zone }) => pages(zone.managed_pages) },
            { title: "Free at the start", number: true, cell: ({ zone }) => pages(zone.free_pages) },
            ...["min", "low", "high"].map((name) => ({ title: name, number: true, cell: ({ zone }) => pages(zone.watermarks[name]) })),
          ],
        }),
        list("Not in the description, and assumed", host.assumed) || element("p", {}, "Nothing had to be assumed."));
      return true;
    });
  };

  page.drawProcesses = function (report) {
    page.section("processes", "Processes", "Processes of the program", (section) => {
      const { app } = report;
      if (!app.processes.length) return false;
      section.append(
        page.definitions([
          ["Touched", bytes(app.touched_bytes)], ["Footprint at its peak", bytes(app.footprint_peak_bytes)],
          ["Over the whole run here", bytes(app.whole_run_peak_bytes)], ["Resident at the peak", bytes(app.resident_peak_bytes)],
          ["Mapped at the peak", bytes(app.mapped_peak_bytes)], ["Committed at the peak", bytes(app.committed_peak_bytes)],
        ], "grid"),
        page.table({
          caption: `Processes, ${app.processes.length} of ${app.processes_total}`, rows: app.processes, order: 3,
          search: app.processes.length > 15 ? (one) => one.comm + " " + one.pid : null,
          rowClass: (one) => (one.killed_by_model ? "chosen" : null),
          columns: [
            { title: "Process", header: true, cell: (one) => [page.foreign(one.comm), one.killed_by_model ? " (killed)" : ""], sort: (one) => one.comm },
            { title: "Pid", number: true, cell: (one) => String(one.pid), sort: (one) => one.pid },
            { title: "Parent", number: true, cell: (one) => String(one.parent_pid), sort: (one) => one.parent_pid },
            { title: "Resident at the peak", number: true, cell: (one) => bytes(one.resident_peak_bytes), sort: (one) => one.resident_peak_bytes },
            { title: "Touched", number: true, cell: (one) => bytes(one.touched_bytes), sort: (one) => one.touched_bytes },
            { title: "oom_score_adj", number: true, cell: (one) => String(one.oom_score_adj), sort: (one) => one.oom_score_adj },
            { title: "Waits for ever since", number: true, cell: (one) => (one.stuck_at_s === null || one.stuck_at_s === undefined ? "" : page.seconds(one.stuck_at_s)) },
          ],
        }));
      return true;
    });
  };

  page.drawCounters = function (report) {
    page.section("counters", "Counters", "Counters", (section) => {
      const { memcg, ...vmstat } = report.counters;
      const rows = Object.entries(vmstat).map(([name, value]) => ({ name, value, from: "/proc/vmstat" }));
      for (const file of ["memory.events", "memory.stat"])
        for (const [name, value] of Object.entries((memcg && memcg[file]) || {})) rows.push({ name, value, from: file });
      const moved = rows.filter((row) => row.value !== 0 && row.value !== null);
      section.append(
        element("p", {}, "Changes over the run, under the kernel's own names."),
        page.table({
          caption: `Counters that are not 0, ${moved.length} of ${rows.length}`, rows: moved, search: (row) => row.name + " " + row.from, columns: [
            { title: "Counter", header: true, cell: (row) => element("code", {}, row.name), sort: (row) => row.name },
            { title: "Value", number: true, cell: (row) => count(row.value), sort: (row) => row.value },
            { title: "File", cell: (row) => row.from, sort: (row) => row.from },
          ],
        }));
      return true;
    });
  };

  function margin(report) {
    const margins = report.verdict_margin;
    if (!margins) return null;
    const side = (one) => (one ? [bytes(one.distance_bytes) + " to ", page.badge(one.verdict)] : "not known, or none");
    return element("div", {}, element("h3", {}, "How far from another verdict"), page.definitions([
      ["To the next worse", side(margins.next_worse)], ["To the next better", side(margins.next_better)],
      ["What capture and chance may move", bytes(margins.resolution_bytes)],
      ["Close", margins.close ? page.foreign(margins.why) : "no"],
    ]));
  }

  /// What other seeds give; nothing where nobody asked.
  function chance(report) {
    if (!report.chance) return null;
    const { seeds, verdicts, headlines, cut } = report.chance;
    const value = (name, number) => (name.endsWith("_bytes") ? bytes(number) : /_ns/.test(name) ? page.duration(number) : count(number));
    const cell = (key) => ([name, range]) => value(name, range[key]);
    return element("div", {}, element("h3", {}, "Chance"),
      element("p", {}, Object.entries(verdicts).filter(([, times]) => times).flatMap(([verdict, times]) => [page.badge(verdict), ` ${count(times)} of ${count(seeds)} seeds `])),
      cut ? element("p", { class: "failed" }, page.foreign(cut)) : null,
      page.table({
        caption: "Over all seeds that have it", rows: Object.entries(headlines), columns: [
          { title: "Number", header: true, cell: ([name]) => element("code", {}, name) },
          { title: "Seeds", number: true, cell: ([, range]) => count(range.seeds) },
          { title: "Least", number: true, cell: cell("least") }, { title: "Median", number: true, cell: cell("median") },
          { title: "Most", number: true, cell: cell("most") },
        ],
      }));
  }

  page.drawBelief = function (report) {
    page.section("belief", "Belief", "How far to believe it", (section) => {
      const { coverage } = report;
      section.append(...[
        coverage.incomplete ? element("p", { class: "failed" }, "INCOMPLETE: ", page.foreign(coverage.incomplete)) : null,
        page.definitions([
          ["Memory that was seen", coverage.ratio === null
            ? "not compared" + (coverage.ratio_why ? ": " + coverage.ratio_why : "")
            : `${(coverage.ratio * 100).toFixed(1)} %: ${bytes(coverage.tracked_bytes)} of ${bytes(coverage.rss_bytes)}`],
          ...(coverage.attached ? [["There when oomcast attached", `${bytes(coverage.attached.resident_bytes)} in ${count(coverage.attached.processes)} ` +
            (coverage.attached.processes === 1 ? "process" : "processes") + (coverage.attached.detached ? "; let go of, it runs on" : "")]] : []),
          ["How", coverage.tracker || "nothing"], ["Events", count(coverage.events)], ["Events lost", count(coverage.lost_events)],
          ["Widest window filled at once", pages(coverage.resolution_pages)], ["Longest time between two looks", page.seconds(coverage.resolution_s)],
          ["Taken in order of arrival", count(coverage.order_forced)],
          ["Diverged", report.diverged_at_s === null ? "no" : [page.seconds(report.diverged_at_s) + ": ", page.foreign(report.diverged_why)]],
        ], "grid"),
        margin(report),
        chance(report),
        page.table({
          caption: "What each number rests on", rows: Object.entries(report.basis), columns: [
            { title: "Number", header: true, cell: ([key]) => element("code", {}, key) },
            { title: "Rests on", cell: ([, basis]) => basis.rests_on },
            { title: "Why", class: "wide", cell: ([, basis]) => page.foreign(basis.why) },
          ],
        }),
        list("Still running at the end", coverage.still_running),
        list("What the program asked its machine", report.host_sensitive),
        list("What was not done, and may matter", coverage.caveats),
      ].filter(Boolean));
      return true;
    });
  };
})();
