// Draws two reports over each other: what got worse, which code grew, and both runs on the same axes.
(function () {
  "use strict";

  const page = window.oomcast;
  const { element } = page;

  const tone = { worse: "bad", better: "good", same: "unknown" };
  function value(row, side) {
    const number = row[side];
    if (row.key === "verdict") return page.badge(number);
    if (row.key.endsWith("_percent") && number !== null) return number.toFixed(1) + " %";
    return page.inUnit(row.key.startsWith("site ") ? "site_bytes" : row.key, number);
  }
  function change(row) {
    if (typeof row.before !== "number" || typeof row.after !== "number" || row.before === 0) return "";
    const share = (row.after - row.before) / Math.abs(row.before);
    return (share > 0 ? "+" : "") + (share * 100).toFixed(1) + " %";
  }

  function table(caption, rows) {
    return page.table({
      caption, rows, search: rows.length > 15 ? (row) => row.key : null, columns: [
        { title: "Number", header: true, class: "wide", cell: (row) => page.foreign(row.key, "code"), sort: (row) => row.key },
        { title: "Old", number: true, cell: (row) => value(row, "before") },
        { title: "New", number: true, cell: (row) => value(row, "after") },
        { title: "Change", number: true, cell: change },
        { title: "Result", cell: (row) => element("span", { class: "badge tone-" + tone[row.result] }, row.result + (row.judged ? "" : " (not judged)")), sort: (row) => row.result },
      ],
    });
  }

  /** The value of the last row at or before `t`; null after the run's end. */
  function at(times, values, t) {
    if (!times.length || t > times[times.length - 1] + 1e-9) return null;
    let low = 0;
    let high = times.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (times[middle] <= t) low = middle;
      else high = middle - 1;
    }
    return values[low];
  }

  function addCharts(group, parent, before, after) {
    const both = (pick) => [["old", "--series-1", before], ["new", "--series-4", after]].map(([name, colour, report]) => {
      const values = pick(report.timeline) || [];
      return { name, colour, values: group.x.map((t) => at(report.timeline.t_s, values, t)) };
    });
    const add = (title, unit, pick) => {
      const series = both(pick);
      if (series.some((one) => one.values.some((v) => v))) group.add(parent, { title, unit, series });
    };
    const names = new Set([...Object.keys(before.timeline.node_free_bytes), ...Object.keys(after.timeline.node_free_bytes)]);
    for (const name of names) add("Free memory of " + name, "bytes", (timeline) => timeline.node_free_bytes[name]);
    const sum = (...columns) => (timeline) => timeline.t_s.map((t, i) => columns.reduce((total, column) => total + timeline[column][i], 0));
    add("Anonymous memory on the LRU lists", "bytes", sum("active_anon_bytes", "inactive_anon_bytes"));
    add("Page cache on the LRU lists", "bytes", sum("active_file_bytes", "inactive_file_bytes"));
    add("Swap used", "bytes", (timeline) => timeline.swap_used_bytes);
    add("Pages that tasks scan, pgscand/s", "rate", (timeline) => timeline.pgscand_s);
    add("Pressure, some", "share", (timeline) => timeline.pressure_some_share);
  }

  page.drawDiff = function ({ diff, before, after }) {
    page.section("numbers", "Numbers", "Numbers", (section) => section.append(table("Old and new", diff.numbers)));
    page.section("sites", "Code", "Code that grew or shrank", (section) => {
      if (!diff.sites.length) return false;
      const rows = diff.sites.map((row) => ({ ...row, key: row.key.startsWith("site ") ? row.key : "site " + row.key }));
      return section.append(table("Sites", rows));
    });
    page.section("timeline", "Over time", "Over time", (section) => {
      const times = [...new Set([...before.timeline.t_s, ...after.timeline.t_s])].sort((a, b) => a - b);
      if (!times.length) return false;
      const clock = element("p", { class: "clock" });
      const incidents = page.lettered([["old", before], ["new", after]].flatMap(([name, report]) =>
        page.incidentsOf(report).map((one) => ({ ...one, words: name + ": " + one.words }))));
      const group = new page.Group({
        x: times, axisName: "time", axisText: page.axisSeconds, rowText: (row) => page.seconds(times[row]), incidents,
        onCursor: (row) => (clock.textContent = "Values at " + times[row].toFixed(3) + " s"),
      });
      page.timeGroup = group;
      const charts = element("div", { class: "charts" });
      const panel = page.incidentPanel();
      section.append(page.incidentBar(group, panel), panel, group.toolbar([]), clock, charts);
      addCharts(group, charts, before, after);
      group.setCursor(times.length - 1);
      return true;
    });
    page.drawFindings(after, "What the new report advises");
  };
})();
