// Draws a sweep: verdict, waits, swap traffic and footprint against what was varied, one line per setting of the rest.
(function () {
  "use strict";

  const page = window.oomcast;
  const { element } = page;
  const COLOURS = ["--series-1", "--series-2", "--series-5", "--series-4", "--series-3", "--series-6"];
  const SERIES_MOST = 12;  // more lines than that nobody can tell apart; the table has all rows

  const unique = (list) => [...new Set(list)];

  /** Rows that differ in the first key alone make a line. */
  function linesOf(rows, keys) {
    const lines = new Map();
    for (const row of rows) {
      const name = keys.slice(1).map((key) => key + "=" + row.vary[key]).join(", ");
      if (!lines.has(name)) lines.set(name, []);
      lines.get(name).push(row);
    }
    return lines;
  }

  const doubts = (row) => [row.evictions ? "evicted by the kubelet" : "", row.extrapolated ? "extrapolated" : "", row.on_the_edge ? "on the edge" : ""].filter(Boolean).join(", ");

  function rowsTable(rows, keys, group, xs) {
    const at = (incident) => (incident ? page.bytes(incident.app_footprint_bytes) : "-");
    const number = (title, cell, sort) => ({ title, number: true, cell, sort });
    return page.table({
      caption: "All hosts of the sweep, " + rows.length + " rows",
      rows,
      search: rows.length > 15 ? (row) => Object.values(row.vary).join(" ") + " " + page.verdict(row.verdict) : null,
      onRow: (row) => group && group.setCursor(xs.indexOf(row.vary[keys[0]])),
      columns: [
        ...keys.map((key, i) => ({ title: key, header: i === 0, number: true, cell: (row) => page.foreign(row.vary[key]) })),
        { title: "Verdict", cell: (row) => (row.error ? page.foreign("no such host: " + row.error) : [page.badge(row.verdict), " ", doubts(row)]), sort: (row) => page.VERDICT_NAMES.indexOf(row.verdict) },
        number("Footprint at its peak", (row) => page.bytes(row.footprint_peak_bytes), (row) => row.footprint_peak_bytes),
        number("kswapd wakes at", (row) => at(row.first && row.first.kswapd_wake)),
        number("Direct reclaim at", (row) => at(row.first && row.first.direct_reclaim)),
        number("OOM kill at", (row) => at(row.first && row.first.oom_kill)),
        { title: "Victim", cell: (row) => (row.victim ? page.foreign(row.victim) : "-") },
        number("Waits", (row) => page.duration(row.stall && row.stall.total_ns), (row) => row.stall && row.stall.total_ns),
        number("Swapped out", (row) => swapped(row, "pswpout"), (row) => row.counters && row.counters.pswpout),
        number("Swapped in", (row) => swapped(row, "pswpin"), (row) => row.counters && row.counters.pswpin),
      ],
    });
  }

  const traffic = (row, key) => (row.counters && Number.isFinite(row.counters[key]) ? row.counters[key] * page.PAGE_BYTES : null);
  const swapped = (row, key) => page.bytes(traffic(row, key));

  function addCharts(group, parent, lines, xs, key) {
    const series = (value, suffix) => [...lines].slice(0, SERIES_MOST).map(([name, rows], i) => ({
      name: [name, suffix].filter(Boolean).join(", ") || key,
      colour: COLOURS[(i + (suffix === "in" ? 1 : 0)) % COLOURS.length],
      values: xs.map((x) => {
        const row = rows.find((one) => one.vary[key] === x && !one.error);
        return row ? value(row) : null;
      }),
    }));
    const rank = (row) => (row.verdict ? page.VERDICT_NAMES.indexOf(row.verdict) : null);
    group.add(parent, { title: "Verdict", unit: "verdict", points: true, series: series(rank) });
    group.add(parent, { title: "Waits in all", unit: "duration", points: true, series: series((row) => row.stall.total_ns) });
    const out = series((row) => traffic(row, "pswpout"), "out");
    const into = series((row) => traffic(row, "pswpin"), "in");
    const moved = [...out, ...into].filter((line) => line.values.some((value) => value));
    if (moved.length) group.add(parent, { title: "Swap traffic", unit: "bytes", points: true, series: moved });
    group.add(parent, { title: "Footprint at its peak", unit: "bytes", points: true, series: series((row) => row.footprint_peak_bytes) });
  }

  page.drawSweep = function (sweep) {
    page.section("curves", "Curves", "Against what was varied", (section) => {
      const { rows } = sweep;
      const keys = unique(rows.flatMap((row) => Object.keys(row.vary)));
      const key = keys[0];
      const xs = unique(rows.map((row) => row.vary[key]));
      if (!rows.length || !key) {
        section.append(element("p", {}, "The sweep has no rows."));
        return true;
      }
      const lines = linesOf(rows, keys);
      const clock = element("p", { class: "clock" });
      const group = new page.Group({
        x: xs.map((_, i) => i), axisName: key, labels: true, axisText: (x) => (xs[x] === undefined ? "" : xs[x]),
        rowText: (row) => key + "=" + xs[row], onCursor: (row) => (clock.textContent = `Values at ${key}=${xs[row]}`),
      });
      page.timeGroup = group;
      const charts = element("div", { class: "charts" });
      section.append(clock, charts);
      addCharts(group, charts, lines, xs, key);
      if (lines.size > SERIES_MOST) section.append(element("p", { class: "note" }, `The charts show the first ${SERIES_MOST} of ${lines.size} lines; the table has all.`));
      section.append(element("p", { class: "note" }, `A row of the table moves the cursor of the charts. Steps along ${key} are drawn at equal distances.`));
      group.setCursor(0);
      page.section("rows", "Table", "All hosts", (part) => {
        part.append(rowsTable(rows, keys, group, xs));
        if (rows.some(doubts)) part.append(element("p", { class: "note" },
          "Extrapolated: this host's reclaim looks at pages whose use was not recorded. On the edge: it waits less than 1 ms, or less memory does better."));
        return true;
      });
      return true;
    });
  };
})();
