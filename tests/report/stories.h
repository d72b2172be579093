// Outcomes made by hand, in the field's words: what the report is tested with, without a simulation.
#pragma once

#include "model/sim/outcome.h"
#include "model/trace/capture_summary.h"
#include "report/findings.h"

namespace oomcast::report::stories {

using namespace oomcast::literals;

struct Story {
  sim::Outcome outcome;
  trace::CaptureSummary capture;
  Findings findings() const { return find_all(outcome, capture); }
};

inline Pages pages_of(Bytes bytes) { return to_pages(bytes); }

inline host::NodeSpec node_of(int id, Bytes managed, Bytes free) {
  host::ZoneSpec zone;
  zone.kind = host::ZoneKind::kDma32;
  zone.present = zone.managed = pages_of(managed);
  zone.free = pages_of(free);
  zone.watermarks = {2814_pages, 3517_pages, 4220_pages};
  host::NodeSpec node;
  node.id = NodeId{id};
  node.cpus = {id};
  node.zones = {zone};
  return node;
}

inline sim::Incident incident(Nanoseconds t, Bytes footprint, sim::Cause cause) {
  sim::Incident i;
  i.cause = cause;
  i.t = t;
  i.pid = i.tid = 812;
  i.comm = "redis-server";
  i.node = NodeId{0};
  i.zone = host::ZoneKind::kDma32;
  i.app_touched = i.app_footprint = footprint;
  i.free_pages = 3498_pages;
  i.watermarks = {2814_pages, 3517_pages, 4220_pages};
  return i;
}

inline sim::OomCandidate candidate(int pid, std::string comm, Bytes rss_anon, int adj, const host::HostSpec& host) {
  sim::OomCandidate c;
  c.pid = pid;
  c.comm = std::move(comm);
  c.oom_score_adj = adj;
  c.rss_anon = pages_of(rss_anon);
  c.page_tables = rss_anon / 512;
  c.killable = adj != -1000;
  c.points = c.rss_anon.count() + to_pages(c.page_tables).count() +
             adj * ((host.total_ram + host.total_swap()).count() / 1000);
  return c;
}

/// redis-server fits on a 2 GiB host with room to spare.
inline Story fits() {
  Story s;
  host::HostSpec& host = s.outcome.host;
  host.name = "small-2g";
  host.kernel_release = "6.1.0-56-cloud-amd64";
  host.nodes = {node_of(0, 2000_MiB, 1800_MiB)};
  host.nodes[0].distance = {10};
  host.cpus = {0};
  host.total_ram = pages_of(2000_MiB);
  s.outcome.verdict = sim::Verdict::kFits;
  s.outcome.forecast = 12'400_ms;
  s.outcome.bands = {{NodeId{0}, 12'400_ms, Nanoseconds(0), Nanoseconds(0), Nanoseconds(0)}};
  s.outcome.app.touched = s.outcome.app.footprint_peak = s.outcome.app.resident_peak = 300_MiB;
  s.outcome.app.mapped_peak = 500_MiB;
  s.outcome.app.processes = {{812, 0, "redis-server", 300_MiB, 300_MiB, 500_MiB, 0, false, {}, {}}};
  s.outcome.events = 1000;
  s.capture.command = {"redis-server", "--port", "0"};
  s.capture.exited = true;
  s.capture.tracker = "userfaultfd";
  s.capture.resolution_pages = 64;
  s.capture.tracked_peak_bytes = static_cast<uint64_t>((299_MiB).count());
  s.capture.rss_peak_bytes = static_cast<uint64_t>((300_MiB).count());
  s.capture.events = 1000;
  return s;
}

/// The same program grows to 2.2 GiB: kswapd wakes, finds nothing, threads stall, redis is killed rather than sshd.
inline Story oom() {
  Story s = fits();
  sim::Outcome& o = s.outcome;
  o.verdict = sim::Verdict::kOomKill;
  o.kswapd_wake = incident(8'204_ms, 1780_MiB, sim::Cause::kLowMark);
  o.kswapd_scan = incident(8'204_ms, 1780_MiB, sim::Cause::kBelowHighMark);
  o.direct_reclaim = incident(8'310_ms, 1786_MiB, sim::Cause::kMinMark);
  o.direct_reclaim->free_pages = 2810_pages;
  o.oom_kill = incident(8'322_ms, 1787_MiB, sim::Cause::kOutOfMemory);
  o.oom_kill->free_pages = 2810_pages;
  o.oom_kill->stack_id = 1;
  sim::OomKill kill;
  kill.incident = *o.oom_kill;
  kill.candidates = {candidate(1, "systemd", 8_MiB, 0, o.host), candidate(400, "sshd", 6_MiB, -1000, o.host),
                     candidate(500, "python3", 90_MiB, 0, o.host), candidate(812, "redis-server", 1787_MiB, 0, o.host)};
  kill.candidates[0].killable = false;
  kill.candidates[3].guest = true;
  kill.victim = kill.candidates[3];
  kill.futile_rounds = 17;
  kill.total = o.host.total_ram + o.host.total_swap();
  kill.dmesg = {
      "redis-server invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO), order=0, "
      "oom_score_adj=0"};
  o.oom_kills = {kill};
  o.oom_kills_total = 1;
  o.diverged = sim::Divergence{8'322_ms, sim::DivergedBy::kKill, 812, "redis-server"};
  o.counters[host::Vmstat::oom_kill] = 1;
  o.counters[host::Vmstat::allocstall_movable] = 16;
  o.counters[host::Vmstat::pgscan_direct] = 4096;
  o.counters[host::Vmstat::pgscan_kswapd] = 9000;
  o.counters[host::Vmstat::pageoutrun] = 1;
  o.stall = {11'904_us, Nanoseconds(0), Nanoseconds(0), 812_us, Nanoseconds(0), 11'904_us};
  o.bands[0] = {NodeId{0}, 8'100_ms, 104_ms, 106_ms, 12_ms};
  o.app.touched = o.app.footprint_peak = o.app.resident_peak = 1787_MiB;
  o.app.whole_run_peak = 2200_MiB;
  o.need_after_kill = 413_MiB + 828_KiB;  // page tables
  o.next_better = sim::Margin{sim::Verdict::kDirectReclaim, *o.need_after_kill};
  o.app.processes[0].killed_by_model = true;
  s.capture.tracked_peak_bytes = static_cast<uint64_t>((2190_MiB).count());
  s.capture.rss_peak_bytes = static_cast<uint64_t>((2200_MiB).count());
  s.capture.site_kinds = {"heap"};
  s.capture.stacks = {{"zmalloc at zmalloc.c:120", "main at server.c:7000"}};
  o.sites = {{1, 1600_MiB, 1600_MiB}, {0, 187_MiB, 100_MiB}};
  sim::TimelineRow row;
  row.t = 8'000_ms;
  row.node_free = {4300_pages};
  o.timeline = {row, row};
  o.timeline[1].t = 8'322_ms;
  o.timeline[1].node_free = {2810_pages};
  o.timeline[1].kswapd_cpu_permille = 925;
  return s;
}

/// A program that may not be killed pushes somebody else out.
inline Story bystander() {
  Story s = oom();
  sim::OomKill& kill = s.outcome.oom_kills[0];
  kill.candidates[3] = candidate(812, "redis-server", 1787_MiB, -1000, s.outcome.host);
  kill.candidates[3].guest = true;
  kill.victim = kill.candidates[2];
  s.outcome.diverged.reset();
  return s;
}

/// Two thirds of what goes to swap comes back.
inline Story swap_thrash() {
  Story s = fits();
  sim::Outcome& o = s.outcome;
  host::SwapSpec swap;
  swap.name = "/dev/vdb";
  swap.size = 1_GiB;
  o.host.swaps = {swap};
  o.verdict = sim::Verdict::kDirectReclaim;
  o.kswapd_wake = incident(3'000_ms, 1780_MiB, sim::Cause::kLowMark);
  o.direct_reclaim = incident(3'400_ms, 1800_MiB, sim::Cause::kMinMark);
  o.direct_reclaim->free_pages = 2810_pages;
  o.swap_out = incident(3'001_ms, 1780_MiB, sim::Cause::kSwapOut);
  o.swap_out->by_kswapd = true;
  o.swap_out->swap_free = pages_of(1_GiB);
  o.counters[host::Vmstat::pswpout] = 30000;
  o.counters[host::Vmstat::pswpin] = 20000;
  o.counters[host::Vmstat::pgmajfault] = 2500;
  o.stall = {820_ms, 2'400_ms, 0_ms, 31_ms, {}, {}};
  o.app.touched = o.app.footprint_peak = 2300_MiB;
  o.app.resident_peak = 1800_MiB;
  s.capture.tracked_peak_bytes = s.capture.rss_peak_bytes = static_cast<uint64_t>((2300_MiB).count());
  return s;
}

/// No tracker could run.
inline Story unseen() {
  Story s = fits();
  s.capture.tracker = "none";
  s.capture.tracked_peak_bytes = 0;
  s.capture.caveats = {"userfaultfd is not permitted; to allow it: sudo sysctl vm.unprivileged_userfaultfd=1"};
  return s;
}

}  // namespace oomcast::report::stories
