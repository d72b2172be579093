// The services of a replay of several recordings: what became of each, who took whose memory, whom the kubelet ended.
(function () {
  "use strict";

  const page = window.oomcast;
  const { element, bytes, count } = page;

  const ENDED = {
    evicted: "evicted by the kubelet", oom_killed: "killed", stuck: "waits for ever", trace_cut: "recording ends early",
    still_running: "ran on", exited: "ended by itself", signal: "ended by a signal",
  };
  const when = (one) => [one.evicted_at_s, one.killed_at_s, one.stuck_at_s].find((t) => t !== null && t !== undefined);
  const known = (value) => value !== null && value !== undefined;

  function table(services) {
    return page.table({
      caption: "Services, in the order in which they were given", rows: services,
      rowClass: (one) => (one.ended === "oom_killed" || one.ended === "evicted" ? "chosen" : null),
      columns: [
        { title: "Service", header: true, cell: (one) => page.foreign(one.name), sort: (one) => one.name },
        { title: "End", cell: (one) => ENDED[one.ended] || page.foreign(one.ended), sort: (one) => one.ended },
        { title: "At", number: true, cell: (one) => (known(when(one)) ? page.seconds(when(one)) : ""), sort: (one) => (known(when(one)) ? when(one) : Infinity) },
        { title: "Footprint at its peak", number: true, cell: (one) => bytes(one.footprint_peak_bytes), sort: (one) => one.footprint_peak_bytes },
        { title: "Its group's peak", number: true, cell: (one) => (known(one.cgroup_peak_bytes) ? bytes(one.cgroup_peak_bytes) : ""), sort: (one) => one.cgroup_peak_bytes || 0 },
        { title: "Waits for memory", number: true, cell: (one) => page.seconds(one.stall_ns / 1e9), sort: (one) => one.stall_ns },
        { title: "Direct reclaims", number: true, cell: (one) => count(one.direct_reclaims), sort: (one) => one.direct_reclaims },
        { title: "Pages out", number: true, cell: (one) => count(one.swap_out_pages), sort: (one) => one.swap_out_pages },
        { title: "Pages in", number: true, cell: (one) => count(one.swap_in_pages), sort: (one) => one.swap_in_pages },
      ],
    });
  }

  function takings(services) {
    const rows = services.flatMap((one) => one.taken_by.map((taken) => ({ of: one.name, by: taken.service, pages: taken.pages })));
    if (!rows.length) return null;
    return page.table({
      caption: "Anonymous memory that reclaim took out", rows,
      columns: [
        { title: "Of", header: true, cell: (one) => page.foreign(one.of), sort: (one) => one.of },
        { title: "By reclaim of", cell: (one) => (one.by === null ? "kswapd" : page.foreign(one.by)), sort: (one) => one.by || "" },
        { title: "Memory", number: true, cell: (one) => bytes(one.pages * 4096), sort: (one) => one.pages },
      ],
    });
  }

  function eviction(one) {
    return page.table({
      caption: `The kubelet at ${page.seconds(one.t_s)}: ${bytes(one.available_bytes)} available, threshold ${bytes(one.threshold_bytes)}; the first one is evicted`,
      rows: one.ranked.map((pod, rank) => ({ ...pod, rank })),
      rowClass: (pod) => (pod.rank === 0 ? "chosen" : null),
      columns: [
        { title: "Pod", header: true, cell: (pod) => (pod.service === null ? "the program" : page.foreign(pod.service)) },
        { title: "Uses", number: true, cell: (pod) => bytes(pod.usage_bytes) },
        { title: "Requested", number: true, cell: (pod) => bytes(pod.request_bytes) },
        { title: "Priority", number: true, cell: (pod) => String(pod.priority) },
      ],
    });
  }

  page.drawServices = function (report) {
    const services = report.services || [], evictions = report.evictions || [];
    page.section("services", "Services", services.length ? "Services" : "Evictions", (section) => {
      if (!services.length && !evictions.length) return false;
      if (services.length) section.append(table(services), takings(services) || element("p", {}, "Reclaim took anonymous memory of none of them."));
      section.append(...evictions.map(eviction));
      return true;
    });
  };
})();
