// Writes the numbers for a dashboard: counters under the kernel's names, the timeline as columns, and the coverage.
#include <algorithm>

#include "model/host/vmstat.h"
#include "report/coverage.h"
#include "report/json_report.h"

namespace oomcast::report {
namespace {

using Json = nlohmann::ordered_json;

// Items of memory.stat in the order of memory_stats[] (mm/memcontrol.c, 6.1): those that matter to a memory forecast.
// clang-format off
constexpr std::array kMemoryStat = {
    "anon", "file", "kernel", "kernel_stack", "pagetables", "sock", "shmem", "file_mapped", "file_dirty",
    "file_writeback", "swapcached", "inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable",
    "slab_reclaimable", "slab_unreclaimable", "slab", "workingset_refault_anon", "workingset_refault_file",
    "workingset_activate_anon", "workingset_activate_file", "workingset_restore_anon", "workingset_restore_file",
    "workingset_nodereclaim", "pgscan", "pgsteal", "pgscan_kswapd", "pgscan_direct", "pgsteal_kswapd",
    "pgsteal_direct", "pgfault", "pgmajfault", "pgrefill", "pgactivate", "pgdeactivate", "pglazyfree", "pglazyfreed"};
// clang-format on
constexpr std::array kMemoryEvents = {"low", "high", "max", "oom", "oom_kill", "oom_group_kill"};

/// Without a cgroup memory.peak is null and all else is 0. With one, the items of memory.stat that the model does not
/// keep are null; coverage.caveats says so.
Json memcg_json(const sim::Outcome& outcome) {
  const sim::CgroupCounts& group = outcome.cgroup;
  const Json unknown = outcome.host.cgroup.present ? Json() : Json(0);
  Json events = Json::object(), stat = Json::object();
  const std::array counted{group.events.low, group.events.high,     group.events.max,
                           group.events.oom, group.events.oom_kill, group.events.oom_group_kill};
  for (size_t i = 0; i < kMemoryEvents.size(); ++i) events[kMemoryEvents[i]] = counted[i];
  for (const char* name : kMemoryStat) stat[name] = unknown;
  const std::pair<const char*, Pages> amounts[] = {{"anon", group.stat.anon},
                                                   {"file", group.stat.file},
                                                   {"shmem", group.stat.shmem},
                                                   {"kernel", group.stat.kernel},
                                                   {"pagetables", group.stat.pagetables},
                                                   {"file_mapped", group.stat.file_mapped},
                                                   {"file_dirty", group.stat.file_dirty},
                                                   {"file_writeback", group.stat.file_writeback},
                                                   {"swapcached", group.stat.swapcached},
                                                   {"inactive_anon", group.stat.lru.inactive_anon},
                                                   {"active_anon", group.stat.lru.active_anon},
                                                   {"inactive_file", group.stat.lru.inactive_file},
                                                   {"active_file", group.stat.lru.active_file},
                                                   {"unevictable", group.stat.lru.unevictable}};
  for (const auto& [name, pages] : amounts) stat[name] = to_bytes(pages).count();
  if (outcome.host.zswap.enabled) {
    for (const char* name : {"zswpin", "zswpout", "zswpwb"}) stat[name] = unknown;
    stat["zswap"] = group.stat.zswap.count();
    stat["zswapped"] = to_bytes(Pages(group.stat.zswapped)).count();
  }
  stat["slab_reclaimable"] = group.stat.slab_reclaimable.count();
  for (int i = 0; i < host::kVmstatCount; ++i) {
    const char* const name = host::kVmstatNames[static_cast<size_t>(i)];
    if (stat.contains(name)) stat[name] = group.stat.events.at_index(i);
  }
  using host::Vmstat;
  stat["pgscan"] = group.stat.events[Vmstat::pgscan_kswapd] + group.stat.events[Vmstat::pgscan_direct];
  stat["pgsteal"] = group.stat.events[Vmstat::pgsteal_kswapd] + group.stat.events[Vmstat::pgsteal_direct];
  return {{"memory.peak", outcome.host.cgroup.present ? Json(group.peak.count()) : Json()},
          {"memory.events", events},
          {"memory.stat", stat}};
}

template <class Value>
Json column(const sim::Outcome& outcome, Value value) {
  Json values = Json::array();
  for (const sim::TimelineRow& row : outcome.timeline) values.push_back(value(row));
  return values;
}

}  // namespace

Json stall_json(const sim::Stall& stall) {
  return {{"direct_reclaim_ns_total", stall.direct_reclaim_total.count()},
          {"swap_in_ns_total", stall.swap_in_total.count()},
          {"throttled_ns_total", stall.throttled_total.count()},
          {"longest_ns", stall.longest.count()},
          {"memory_high_ns_total", stall.memory_high_total.count()},
          {"total_ns", stall.total.count()}};
}

Json counters_json(const sim::Outcome& outcome) {
  Json counters = Json::object();
  for (int i = 0; i < host::vmstat_count(outcome.host); ++i)
    counters[host::kVmstatNames[static_cast<size_t>(i)]] = outcome.counters.at_index(i);
  counters["memcg"] = memcg_json(outcome);
  return counters;
}

Json timeline_json(const sim::Outcome& outcome) {
  using Row = sim::TimelineRow;
  auto bytes = [&](Pages Row::*field) {
    return column(outcome, [=](const Row& row) { return to_bytes(row.*field).count(); });
  };
  auto rate = [&](int64_t Row::*field) { return column(outcome, [=](const Row& row) { return row.*field; }); };
  auto share = [&](int64_t Row::*field) {
    return column(outcome, [=](const Row& row) { return static_cast<double>(row.*field) / 1000; });
  };
  Json node_free = Json::object();
  for (size_t i = 0; i < outcome.host.nodes.size(); ++i)
    node_free["node" + std::to_string(outcome.host.nodes[i].id.value)] = column(outcome, [=](const Row& row) {
      return i < row.node_free.size() ? Json(to_bytes(row.node_free[i]).count()) : Json();
    });
  Json group_usage = Json::object();
  for (size_t i = 0; i < outcome.groups.size(); ++i)
    group_usage[outcome.groups[i].path] = column(outcome, [=](const Row& row) {
      return i < row.group_usage.size() ? Json(to_bytes(row.group_usage[i]).count()) : Json();
    });
  return {{"t_s", column(outcome, [](const Row& row) { return json_seconds(row.t); })},
          {"node_free_bytes", node_free},
          {"active_anon_bytes", bytes(&Row::active_anon)},
          {"inactive_anon_bytes", bytes(&Row::inactive_anon)},
          {"active_file_bytes", bytes(&Row::active_file)},
          {"inactive_file_bytes", bytes(&Row::inactive_file)},
          {"swap_used_bytes", bytes(&Row::swap_used)},
          {"dirty_bytes", bytes(&Row::dirty)},
          {"writeback_bytes", bytes(&Row::writeback)},
          {"pgscank_s", rate(&Row::pgscan_kswapd_s)},
          {"pgscand_s", rate(&Row::pgscan_direct_s)},
          {"pgsteal_s", rate(&Row::pgsteal_s)},
          {"kswapd_cpu_share", share(&Row::kswapd_cpu_permille)},
          {"pressure_some_share", share(&Row::pressure_some_permille)},
          {"app_footprint_bytes", column(outcome, [](const Row& row) { return row.app_footprint.count(); })},
          {"pswpin_s", rate(&Row::pswpin_s)},
          {"pswpout_s", rate(&Row::pswpout_s)},
          {"majflt_s", rate(&Row::pgmajfault_s)},
          {"cgroup_usage_bytes", group_usage}};
}

/// Null: the recorder started the program itself instead of attaching to it.
static Json attached_json(const trace::CaptureSummary& capture) {
  if (capture.attached_processes == 0) return {};
  return {{"resident_bytes", capture.attached_bytes},
          {"processes", capture.attached_processes},
          {"detached", capture.detached}};
}

Json coverage_json(const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  uint64_t rss = capture.rss_peak_bytes;
  std::string incomplete = incomplete_text(capture);
  const Compared compared = compare_with_kernel(capture);
  return {
      {"tracker", capture.tracker},
      {"resolution_pages", capture.resolution_pages},
      {"resolution_s", json_seconds(Nanoseconds(static_cast<int64_t>(capture.resolution_ns)))},
      {"lost_events", std::max(capture.lost_events, outcome.lost_events)},
      {"tracked_bytes", capture.tracked_peak_bytes},
      {"prefilled_bytes", capture.prefilled_bytes},
      {"rss_bytes", rss},
      {"ratio", compared.ratio ? Json(static_cast<double>(static_cast<int64_t>(*compared.ratio * 10000 + 0.5)) / 10000)
                               : Json()},
      {"ratio_why", compared.why.empty() ? Json() : Json(compared.why)},
      {"order_forced", std::max(capture.order_forced, outcome.order_forced)},
      {"events", capture.events},
      {"incomplete", incomplete.empty() ? Json() : Json(incomplete)},
      {"still_running", capture.still_running},
      {"attached", attached_json(capture)},
      {"caveats", all_caveats(outcome, capture)}};
}

}  // namespace oomcast::report
