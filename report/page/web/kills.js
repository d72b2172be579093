// Shows each OOM kill: the victim, the task table that the killer looked at, and the lines that the kernel would print.
(function () {
  "use strict";

  const page = window.oomcast;
  const { element, bytes, count } = page;

  function candidates(kill) {
    const cut = kill.candidates_total > kill.candidates.length;
    return page.table({
      caption: "Candidates, worst first" + (cut ? `: ${kill.candidates.length} of ${kill.candidates_total}` : ""),
      rows: kill.candidates,
      order: 2,
      search: kill.candidates.length > 15 ? (task) => task.comm + " " + task.pid : null,
      rowClass: (task) => (task.pid === kill.victim.pid ? "chosen" : null),
      columns: [
        { title: "Task", header: true, cell: (task) => [page.foreign(task.comm), task.pid === kill.victim.pid ? " (victim)" : ""], sort: (task) => task.comm },
        { title: "Pid", number: true, cell: (task) => String(task.pid), sort: (task) => task.pid },
        { title: "Points", number: true, cell: (task) => (task.points === null ? "may not be killed" : count(task.points)), sort: (task) => task.points },
        { title: "Resident", number: true, cell: (task) => bytes(task.rss_bytes), sort: (task) => task.rss_bytes },
        { title: "Swapped", number: true, cell: (task) => bytes(task.swap_bytes), sort: (task) => task.swap_bytes },
        { title: "Page tables", number: true, cell: (task) => bytes(task.pgtables_bytes), sort: (task) => task.pgtables_bytes },
        { title: "oom_score_adj", number: true, cell: (task) => String(task.oom_score_adj), sort: (task) => task.oom_score_adj },
        { title: "Whose", cell: (task) => (task.guest ? "this program" : "the host"), sort: (task) => task.guest },
      ],
    });
  }

  function drawKill(kill, index, total) {
    const nobody = kill.victim.pid === 0;
    const title = element("h3", {}, total > 1 ? `Kill ${index + 1}: ` : "", nobody ? kill.victim.comm : page.foreign(kill.victim.comm), `, ${page.seconds(kill.t_s)}`);
    const dmesg = kill.dmesg.length
      ? element("details", { open: index === 0 }, element("summary", {}, "What the kernel would print"),
        element("pre", { tabIndex: 0 }, kill.dmesg.join("\n"))) : null;
    const body = [
      page.definitions([
        ["Victim", nobody ? "nobody" : [page.foreign(kill.victim.comm), ` (pid ${kill.victim.pid})`]],
        ["Points", nobody ? null : count(kill.victim.points)],
        ["Scope", kill.scope === "cgroup" ? "the program's cgroup" : "the whole host"],
        ["Footprint then", bytes(kill.app_footprint_bytes)],
        ["After divergence", kill.after_divergence ? "yes: extrapolated" : null],
      ], "grid"),
      candidates(kill), dmesg,
    ];
    if (index === 0) return element("article", {}, title, body);
    return element("details", { class: "kill" }, element("summary", {}, title), body);
  }

  page.drawKills = function (report) {
    page.section("kills", "OOM", report.oom_kills_total > 1 ? "OOM kills" : "OOM kill", (section) => {
      if (!report.oom_kills.length) return false;
      section.append(...report.oom_kills.map((kill, i) => drawKill(kill, i, report.oom_kills.length)));
      if (report.oom_kills_total > report.oom_kills.length)
        section.append(element("p", { class: "note" }, `${count(report.oom_kills_total)} kills in all; the report holds the first ${report.oom_kills.length}.`));
      return true;
    });
  };
})();
