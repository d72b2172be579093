// Holds what the modelled kernel did. The plain result of a simulation: the only thing that the report sees.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/base/units.h"
#include "model/host/indices.h"
#include "model/host/vmstat.h"
#include "model/sim/incident.h"
#include "model/spec/host_spec.h"

namespace oomcast::sim {

enum class Verdict : uint8_t { kFits, kBackgroundReclaim, kDirectReclaim, kAllocRefused, kOomKill };
const char* verdict_name(Verdict verdict);  // "fits", "background_reclaim", ...
std::optional<Verdict> verdict_named(std::string_view name);

/// PSI memory line; averages in hundredths of a percent (1234 = 12.34 %).
struct PressureLine {
  int64_t avg10_centi = 0, avg60_centi = 0, avg300_centi = 0;
  Nanoseconds total;
};

/// A group as the run left it.
struct EndedGroup : GroupState {
  PressureLine pressure_some, pressure_full;
};

/// What lives of the pages that were first touched under one sampled stack.
struct SiteResident {
  uint32_t stack_id = 0;
  Bytes resident;
};

/// A zone, a node and the host at one moment, in the words of /proc/zoneinfo. Watermarks with their boost.
struct ZoneMoment {
  host::ZoneKind kind = host::ZoneKind::kNormal;
  Pages free, free_cma, boost;
  host::Watermarks watermarks;
  Pages present, managed, write_pending;
  host::LruSizes lru;
};
struct NodeMoment {
  NodeId id;
  host::LruSizes lru;
  Pages dirty, writeback, shmem, mapped, slab_reclaimable;
  std::vector<ZoneMoment> zones;  // those with memory, in the order of their kinds
};
struct Moment {
  std::string name;  // "start", the key of a first incident, "oom_kill:2", "peak", "end"
  Nanoseconds t;
  Bytes app_footprint;
  std::vector<NodeMoment> nodes;
  Pages swap_total, swap_free, committed;
  host::VmstatArray counters;                 // deltas since the start
  PressureLine pressure_some, pressure_full;  // of the host
  std::vector<SiteResident> sites;            // ascending by stack_id; those of which something lives
};

/// One row of the timeline; node vectors are in the order of HostSpec::nodes.
struct TimelineRow {
  Nanoseconds t;
  std::vector<Pages> node_free;
  Pages inactive_anon, active_anon, inactive_file, active_file, swap_used, dirty, writeback;
  int64_t pgscan_kswapd_s = 0, pgscan_direct_s = 0, pgsteal_s = 0;  // per second over the row's interval
  int64_t kswapd_cpu_permille = 0;
  int64_t pressure_some_permille = 0;
  Bytes app_footprint;
  int64_t pswpin_s = 0, pswpout_s = 0, pgmajfault_s = 0;
  std::vector<Pages> group_usage;  // memory.current, in the order of Outcome::groups
};

/// How long each node spent between its watermarks (the node's zones above DMA taken together).
struct Bands {
  NodeId node;
  Nanoseconds above_high, high_to_low, low_to_min, below_min;
};

struct Stall {
  Nanoseconds direct_reclaim_total, swap_in_total;
  Nanoseconds throttled_total;    // waits for kswapd, the disk and dirty pages, and memory.high's sleeps
  Nanoseconds longest;            // of those in total
  Nanoseconds memory_high_total;  // memory.high's sleeps, a part of throttled_total
  Nanoseconds total;              // all of these, what lies inside another one counted once
  Nanoseconds
      memory_high_dry_total{};  // of memory_high_total: reclaim had found nothing, and the group had no swap to use
};

/// A service as the kubelet ranks it.
struct EvictionCandidate {
  uint8_t number = 0;   // Process::service; 0: the only program
  std::string service;  // its name; empty: the only program
  Bytes usage;          // working set: what its group is charged less inactive file pages
  Bytes request;
  int priority = 0;
};
/// The kubelet ends a service because little memory is available on the node.
struct Eviction {
  Nanoseconds t;
  Bytes available, threshold;
  std::vector<EvictionCandidate> ranked;  // the first one is evicted
};

/// What memory management did to one service.
struct ServiceFate {
  Stall stall;                           // of its tasks
  int64_t direct_reclaims = 0;           // how often they reclaimed for themselves, on the host or in a group
  int64_t killed = 0;                    // processes, by the OOM killer
  std::optional<Nanoseconds> killed_at;  // the first of them
  int killed_pid = 0;
  std::string killed_comm;
  std::optional<Nanoseconds> evicted_at;  // by the kubelet
};

/// Pages of a service's anonymous memory that reclaim took, by whose actor reclaimed.
struct TakenBy {
  std::string service;  // empty: kswapd and others of the host
  int64_t pages = 0;
};

/// One of several programs on the host.
struct ServiceOutcome : ServiceFate {
  std::string name;
  Nanoseconds start, last;  // when its first and its last event happened, killed or not
  std::string cgroup;       // path of its own group; empty: it has none
  Bytes cgroup_peak;        // memory.peak of that
  Bytes touched, footprint_peak;
  int64_t swap_outs = 0, swap_ins = 0;  // pages
  std::vector<TakenBy> taken_by;        // those who took any
  int64_t processes = 0;
  std::optional<Nanoseconds> stuck_at;  // one of its processes waits since then for memory that can never be had
};

struct AppProcess {
  int pid = 0, parent_pid = 0;
  std::string comm;
  Bytes touched, resident_peak, mapped_peak;
  int oom_score_adj = 0;
  bool killed_by_model = false;
  std::optional<Nanoseconds> stuck_at;  // waits since then for memory that can never be had
  Bytes committed_peak;                 // what of mapped_peak overcommit counts
};

/// The most that the program had at once.
struct AppPeaks {
  Bytes footprint_peak, resident_peak, mapped_peak;
  Bytes untouched_at_peak;  // of footprint_peak: what came with huge pages and was not used by then
  Bytes committed_peak;     // what the program added to Committed_AS
  Bytes locked_peak;        // mlock(): what reclaim could not have
};

/// What the program held at most on one file system in memory of the target, in memory or swapped out.
struct MemoryMount {
  std::string mount;
  std::string service;  // whose alone it is; empty: everybody's
  Bytes peak;
  std::optional<Bytes> limit;  // absent: none, or none is known
};

struct AppSummary : AppPeaks {
  Bytes touched;
  Bytes whole_run_peak;  // footprint_peak as if nobody had been killed: what the program went on to hold here
  std::vector<AppProcess> processes;  // the first kProcessesInFull
  int64_t processes_total = 0;
  std::vector<MemoryMount> memory_mounts;  // those that it has written to, in the order of their first use
};

/// Pages first touched under one sampled stack (0: not sampled).
struct Site {
  uint32_t stack_id = 0;
  Bytes touched, resident_peak;
};

/// memory.stat of a cgroup and those below it.
struct MemoryStat {
  Pages anon, file, shmem, kernel, pagetables, file_mapped, file_dirty, file_writeback, swapcached;
  Bytes slab_reclaimable;
  Bytes zswap;           // compressed
  int64_t zswapped = 0;  // pages
  host::LruSizes lru;
  host::VmstatArray events;  // under the names that vmstat has for them
};

/// What zswap did, under the names of /sys/kernel/debug/zswap.
struct ZswapCounts {
  Bytes pool_peak;          // pool_total_size at its largest
  int64_t stored_peak = 0;  // stored_pages, likewise
  int64_t pool_limit_hit = 0, written_back_pages = 0;
};

/// What the program's cgroup counted; all zero without one.
struct CgroupCounts {
  Bytes peak;  // memory.peak
  struct {
    int64_t low = 0, high = 0, max = 0, oom = 0, oom_kill = 0, oom_group_kill = 0;
  } events;         // memory.events
  MemoryStat stat;  // at the end of the run
};

/// Another verdict that the run came near to: with so much more demand for memory it would have been the next worse
/// one, with so much less the next better one. Other things equal: reclaim's own timing is not turned over.
struct Margin {
  Verdict verdict = Verdict::kFits;
  Bytes distance;
};
/// Lists that grow with what happens are given in full up to here, and counted from there on.
inline constexpr size_t kKillsInFull = 64, kProcessesInFull = 1024, kAuditFaults = 20;

/// What the program did and the model has no numbers for.
struct LeftOut {
  bool stacks = false;            // places beyond host::kStackIdMax: their memory is not listed by place
  std::optional<int> beyond_pid;  // the first process that used memory or a part of a file beyond 4 PiB
};

/// Counts that do not agree, in the words of the auditor.
struct AuditFault {
  uint64_t event = 0;  // after which it was found
  std::string what;
};

/// What the kernel did, as it did it (IncidentLog).
struct Incidents {
  /// The host panicked, or every process of the program is stuck: nothing that came later changed anything.
  std::optional<Halt> halted;
  std::optional<Divergence> diverged;
  std::optional<Incident> kswapd_wake, kswapd_scan, direct_reclaim, swap_out, alloc_refused, oom_kill;
  std::vector<OomKill> oom_kills;  // the first kKillsInFull, and a panic
  int64_t oom_kills_total = 0;
  Stall stall;
  std::vector<Moment> moments;  // by time
};

/// What was sampled at intervals (Timeline).
struct Series {
  std::vector<Bands> bands;
  PressureLine pressure_some, pressure_full;
  std::vector<TimelineRow> timeline;
  std::vector<EndedGroup> groups;  // that the program is charged to: its own, then the one above, ...; as they ended
};

/// The verdicts next to the one of the run (Margins).
struct NextVerdicts {
  std::optional<Margin> next_worse, next_better;
};

/// Each base is what one collector has gathered; Simulation::finish() puts them together and derives the rest.
struct Outcome : Incidents, Series, NextVerdicts {
  host::HostSpec host;
  Verdict verdict = Verdict::kFits;
  // After a kill: by how much anonymous memory and page tables of the run, the victim's as if it had lived on, exceeded
  // at their peak what they were at the first kill.
  std::optional<Bytes> need_after_kill;
  Nanoseconds forecast;              // virtual length of the run
  host::VmstatArray counters{};      // deltas over the run
  host::ByZone<int64_t> allocstall;  // also in counters
  ZswapCounts zswap;
  CgroupCounts cgroup;
  std::vector<Site> sites;  // descending by touched bytes, then by stack_id
  AppSummary app;
  uint64_t events = 0;
  uint64_t lost_events = 0;
  uint64_t steps = 0;         // wake-ups and interrupts that the simulation took: what it worked
  uint64_t order_forced = 0;  // events taken in arrival order although their task's clock was behind
  LeftOut left_out;
  std::vector<AuditFault> audit_faults;  // the first kAuditFaults; any is a mistake of the model
  uint64_t digest = 0;                   // of the final state and all counters; equal inputs give equal digests
  std::vector<ServiceOutcome> services;  // in the order of Options::services
  std::vector<Eviction> evictions;       // by time
};

}  // namespace oomcast::sim
