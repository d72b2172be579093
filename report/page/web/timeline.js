// Draws the run over time: free memory per node, the LRU lists, swap, rates, pressure; and the incidents.
(function () {
  "use strict";

  const page = window.oomcast;
  const { element, bytes } = page;

  const FIRSTS = [
    ["kswapd_wake", "kswapd wakes", "--fair"],
    ["kswapd_scan", "kswapd scans pages", "--fair"],
    ["direct_reclaim", "First direct reclaim", "--fair"],
    ["swap_out", "First swap-out", "--fair"],
    ["alloc_refused", "Allocation refused", "--bad"],
    ["oom_kill", "OOM kill", "--bad"],
  ];
  const KILLS_MOST = 20;

  /** All incidents in the order of time, each with a letter. The first kill is among the firsts already. */
  page.incidentsOf = function (report) {
    const list = [];
    for (const [key, words, colour] of FIRSTS) {
      const incident = report.first && report.first[key];
      if (incident) list.push({ t: incident.t_s, words, colour, key, moment: key, incident });
    }
    (report.oom_kills || []).slice(1, KILLS_MOST).forEach((kill, i) =>
      list.push({ t: kill.t_s, words: "Kill of " + kill.victim.comm, colour: "--bad", key: "kill", moment: "oom_kill:" + (i + 2), kill }));
    if (Number.isFinite(report.halted_at_s))
      list.push({ t: report.halted_at_s, words: "The forecast ends", colour: "--bad", key: "halted", why: report.halted_why });
    return page.lettered(list);
  };

  /** In the order of time, each with the letter that marks it on every chart. */
  page.lettered = function (list) {
    list.sort((a, b) => a.t - b.t);
    list.forEach((one, i) => {
      one.letter = i < 26 ? String.fromCharCode(65 + i) : String(i + 1);
      one.title = one.words + ", " + page.seconds(one.t);
    });
    return list;
  };

  /**
   * Marks of a node's zones above DMA taken together, raised by what DMA holds back: free memory of the timeline is that of
   * all zones, and of DMA's a part is reserved against any allocation that could be elsewhere (in reports of older versions: all of it).
   */
  page.marksOf = function (node) {
    const above = zonesAboveDma(node);
    const zones = above.length ? above : node.zones;
    const held = heldByDma(node);
    return ["min", "low", "high"].map((name) => ({
      name,
      colour: "--mark-" + name,
      value: (held + zones.reduce((sum, zone) => sum + zone.watermarks[name], 0)) * page.PAGE_BYTES,
    }));
  };

  function zonesAboveDma(node) {
    return node.zones.filter((zone) => zone.zone !== "DMA" && zone.managed_pages > 0);
  }

  /** Pages of zone DMA that are free and reserved; 0 where the node has no other zone. */
  function heldByDma(node) {
    if (!zonesAboveDma(node).length) return 0;
    return node.zones.filter((zone) => zone.zone === "DMA").reduce((sum, zone) => sum + (zone.held_back_pages ?? zone.free_pages), 0);
  }

  function incidentDetails(one) {
    const { incident, kill } = one;
    if (kill) return page.definitions([["Time", page.seconds(kill.t_s)], ["Victim", page.foreign(kill.victim.comm)],
      ["Points", page.count(kill.victim.points)], ["Resident", bytes(kill.victim.rss_bytes)]]);
    if (!incident) return page.definitions([["Time", page.seconds(one.t)], ["Why", page.foreign(one.why || "")]]);
    const pages = (count) => page.count(count) + " pages (" + bytes(count * page.PAGE_BYTES) + ")";
    const group = incident.cgroup;
    const rows = [
      ["Why", page.foreign(incident.why)],
      ["Time", page.seconds(incident.t_s) + (incident.after_divergence ? " (after divergence: extrapolated)" : "")],
      ["Task", [page.foreign(incident.comm), ` (pid ${incident.pid}, thread ${incident.tid})`]],
      ["Footprint", bytes(incident.app_footprint_bytes)],
      ["Touched so far", bytes(incident.app_touched_bytes)],
      ["Through files", bytes(incident.app_file_bytes)],
      group ? ["Group", [page.foreign(group.path), " uses " + bytes(group.usage_bytes)]] : null,
      group ? ["memory.max", group.max_bytes === null ? "no limit" : bytes(group.max_bytes)] : null,
      group ? ["memory.high", group.high_bytes === null ? "no limit" : bytes(group.high_bytes)] : null,
      ["Where", `node ${incident.node} zone ${incident.zone}`],
      ["Free", pages(incident.free_pages)],
      ["Marks", ["min", "low", "high"].map((name) => name + " " + bytes(incident.watermarks[name] * page.PAGE_BYTES)).join(", ") + (incident.boost_pages ? ", " + bytes(incident.boost_pages * page.PAGE_BYTES) + " of each a temporary boost" : "")],
    ];
    const stack = incident.stack.length
      ? element("details", {}, element("summary", {}, "Code: ", page.foreign(incident.stack[0])), page.stackList(incident.stack)) : null;
    return element("div", {}, page.definitions(rows), stack);
  }

  page.incidentPanel = () => element("div", { class: "panel", id: "incident", hidden: true, "aria-live": "polite" });

  page.stackList = (frames) => element("ol", { class: "stack" }, frames.map((frame) => element("li", {}, page.foreign(frame, "code"))));

  /** A button per incident; the chosen one is told in `panel`. */
  page.incidentBar = function (group, panel) {
    if (!group.incidents.length) return element("p", { class: "note" }, "No incident: nothing was reclaimed, refused or killed.");
    const buttons = group.incidents.map((one) => {
      const button = element("button", { type: "button", class: "incident", "aria-pressed": "false", click: () => group.choose(one) },
        element("span", { class: "flag-letter" }, one.letter), " ", page.foreign(one.words), " ", element("span", { class: "when" }, page.seconds(one.t)));
      button.style.setProperty("--flag", "var(" + one.colour + ")");
      one.button = button;
      return element("li", {}, button);
    });
    group.onChoose = (chosen) => {
      for (const one of group.incidents) one.button.setAttribute("aria-pressed", String(one === chosen));
      panel.replaceChildren(element("h3", {}, chosen.letter + ": ", page.foreign(chosen.title)), incidentDetails(chosen));
      panel.hidden = false;
      if (page.flame) page.flame.showMoment(chosen.moment);
    };
    return element("ol", { class: "incidents", "aria-label": "Incidents" }, buttons);
  };

  function rowOf(values, better) {
    let best = 0;
    values.forEach((value, i) => {
      if (value !== null && better(value, values[best])) best = i;
    });
    return best;
  }

  function jumpsOf(timeline) {
    const held = timeline.t_s.map((t, i) => timeline.active_anon_bytes[i] + timeline.inactive_anon_bytes[i] + timeline.swap_used_bytes[i]);
    const jumps = [{ title: "Peak of memory", row: rowOf(held, (a, b) => a > b) }];
    const nodes = Object.entries(timeline.node_free_bytes);
    for (const [name, values] of nodes)
      jumps.push({ title: "Least free memory" + (nodes.length > 1 ? " of " + name : ""), row: rowOf(values, (a, b) => b === null || a < b) });
    return jumps.slice(0, 5);
  }

  const some = (values) => values.some((value) => value);

  /** A chart for each group that the program is charged to, against its limits. */
  function addGroups(group, parent, report) {
    const columns = report.timeline.cgroup_usage_bytes || {};
    for (const one of (report.host && report.host.cgroups) || []) {
      const values = columns[one.path];
      if (!values || !some(values)) continue;
      const marks = [["memory.high", "--mark-low", one.high_bytes], ["memory.max", "--mark-min", one.max_bytes]]
        .filter(([, , value]) => value !== null).map(([name, colour, value]) => ({ name, colour, value }));
      group.add(parent, {
        title: "Memory of control group", of: one.path, unit: "bytes", marks, most: Math.max(0, ...marks.map((mark) => mark.value)),
        note: marks.length ? null : "The group has no limit.",
        series: [{ name: "usage", colour: "--series-2", values }],
      });
    }
  }

  function addNodes(group, parent, report) {
    for (const node of report.host.nodes) {
      const name = "node" + node.node;
      const values = report.timeline.node_free_bytes[name];
      if (!values) continue;
      const marks = page.marksOf(node);
      const bands = report.bands && report.bands[name];
      const held = heldByDma(node) * page.PAGE_BYTES;
      const marksNote = held ? ` Of each mark ${bytes(held)} are what zone DMA holds back.` : "";
      group.add(parent, {
        title: "Free memory of node " + node.node, unit: "bytes", marks, near: marks[2].value * 2.5, most: marks[2].value,
        note: bands ? `Above high ${page.seconds(bands.above_high_s)}, high to low ${page.seconds(bands.high_to_low_s)}, ` +
          `low to min ${page.seconds(bands.low_to_min_s)}, below min ${page.seconds(bands.below_min_s)}.` + marksNote : null,
        series: [{ name: "free", colour: "--series-1", values }],
      });
    }
  }

  /** Charts of nothing but zeros are named instead of drawn. */
  page.addTimeCharts = function (group, parent, report) {
    const timeline = report.timeline;
    const line = (name, colour, values) => ({ name, colour, values });
    addGroups(group, parent, report);
    addNodes(group, parent, report);
    const specs = [
      { title: "LRU lists", unit: "bytes", stacked: true, series: [
        line("active anon", "--series-4", timeline.active_anon_bytes), line("inactive anon", "--series-2", timeline.inactive_anon_bytes),
        line("active file", "--series-1", timeline.active_file_bytes), line("inactive file", "--series-5", timeline.inactive_file_bytes)] },
      { title: "Swap, dirty pages, writeback", unit: "bytes", series: [
        line("swap used", "--series-3", timeline.swap_used_bytes), line("dirty", "--series-2", timeline.dirty_bytes),
        line("writeback", "--series-1", timeline.writeback_bytes)] },
      { title: "Reclaim, as sar -B", unit: "rate", series: [
        line("pgscank/s", "--series-1", timeline.pgscank_s), line("pgscand/s", "--series-4", timeline.pgscand_s),
        line("pgsteal/s", "--series-5", timeline.pgsteal_s)] },
      { title: "Pressure and kswapd's CPU time", unit: "share", most: 0.05, series: [
        line("some task waits", "--series-4", timeline.pressure_some_share), line("kswapd's CPU", "--series-1", timeline.kswapd_cpu_share)] },
    ];
    const empty = [];
    for (const spec of specs) {
      if (spec.series.some((series) => some(series.values))) group.add(parent, spec);
      else empty.push(spec.title);
    }
    return empty;
  };

  page.axisSeconds = function (t) {
    if (Math.abs(t) >= 600) return Number((t / 60).toPrecision(5)) + " min";
    return Number(t.toPrecision(6)) + " s";
  };

  page.drawTimeline = function (report) {
    page.section("timeline", "Over time", "Over time", (section) => {
      const timeline = report.timeline;
      if (!timeline.t_s.length) {
        section.append(element("p", {}, "The run was too short for a timeline."));
        return true;
      }
      const clock = element("p", { class: "clock" });
      const group = new page.Group({
        x: timeline.t_s, axisName: "time", axisText: page.axisSeconds, rowText: (row) => page.seconds(timeline.t_s[row]),
        incidents: page.incidentsOf(report),
        onCursor: (row) => (clock.textContent = "Values at " + timeline.t_s[row].toFixed(3) + " s"),
      });
      page.timeGroup = group;
      const panel = page.incidentPanel();
      const charts = element("div", { class: "charts" });
      section.append(page.incidentBar(group, panel), panel, group.toolbar(jumpsOf(timeline)), clock, charts);
      const empty = page.addTimeCharts(group, charts, report);
      if (empty.length) section.append(element("p", { class: "note" }, "Nothing all along, and not drawn: " + empty.join("; ") + "."));
      section.append(stallsTable(report), element("p", { class: "note" },
        "Drag to zoom, double-click for the whole run. Keys on a chart: arrows move the cursor, n and p go to incidents, + and - zoom, 0 shows all."));
      group.setCursor(jumpsOf(timeline)[0].row);
      return true;
    });
  };

  function stallsTable(report) {
    const { stall, pressure } = report;
    const line = (name, one) => [name, `${one.avg10.toFixed(2)} % of the last 10 s, ${one.avg60.toFixed(2)} % of 60 s, ` +
      `${one.avg300.toFixed(2)} % of 300 s, ${page.duration(one.total_us * 1000)} in all`];
    return element("div", {}, element("h3", {}, "Waits and pressure"), page.definitions([
      ["Waits in all", page.duration(stall.total_ns)],
      ["In direct reclaim", page.duration(stall.direct_reclaim_ns_total)],
      ["In swap-in", page.duration(stall.swap_in_ns_total)],
      ["Throttled", page.duration(stall.throttled_ns_total)],
      ["Of that, asleep for memory.high", page.duration(stall.memory_high_ns_total)],
      ["Longest", page.duration(stall.longest_ns)],
      line("Pressure, some", pressure.some),
      line("Pressure, full", pressure.full),
    ], "grid"));
  }
})();
