// What would the kernel log say? The OOM report with the modelled numbers; formats of kernel-spec section 8.6.
#include <cstdarg>
#include <cstdio>

#include "model/mm/oom_killer.h"

namespace oomcast::mm {

using host::LruKindIndex;
using host::Node;
using host::Process;
using host::Zone;

namespace {

constexpr int64_t kKib = 4;  // KiB per page

[[gnu::format(printf, 1, 2)]] std::string line(const char* format, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return buffer;
}

int64_t total(const Kernel& k, LruKindIndex list) {
  int64_t sum = 0;
  for (const Node& node : k.host.nodes) sum += node.size(list);
  return sum;
}

void mem_info(const Kernel& k, std::vector<std::string>& out) {
  int64_t free = 0, parked = 0, writeback = 0, dirty = 0, slab = 0;
  for (const Node& node : k.host.nodes) {
    free += node.free();
    writeback += node.nr_writeback;
    dirty += node.nr_dirty;
    slab += node.slab_reclaimable;
    for (const Zone& zone : node.zones) parked += zone.parked();
  }
  out.push_back("Mem-Info:");
  out.push_back(line("active_anon:%ld inactive_anon:%ld isolated_anon:0", total(k, LruKindIndex::kActiveAnon), total(k, LruKindIndex::kInactiveAnon)));
  out.push_back(line(" active_file:%ld inactive_file:%ld isolated_file:0", total(k, LruKindIndex::kActiveFile), total(k, LruKindIndex::kInactiveFile)));
  out.push_back(line(" unevictable:%ld dirty:%ld writeback:%ld", total(k, LruKindIndex::kUnevictable), dirty, writeback));
  out.push_back(line(" slab_reclaimable:%ld", slab));
  out.push_back(line(" free:%ld free_pcp:%ld free_cma:0", free, parked));
}

void zone_lines(const Kernel& k, std::vector<std::string>& out) {
  for (const Node& node : k.host.nodes) {
    out.push_back(line("Node %d active_anon:%ldkB inactive_anon:%ldkB active_file:%ldkB inactive_file:%ldkB unevictable:%ldkB all_unreclaimable? %s",
                       node.id.value, node.size(LruKindIndex::kActiveAnon) * kKib, node.size(LruKindIndex::kInactiveAnon) * kKib,
                       node.size(LruKindIndex::kActiveFile) * kKib, node.size(LruKindIndex::kInactiveFile) * kKib,
                       node.size(LruKindIndex::kUnevictable) * kKib, node.kswapd_failures >= 16 ? "yes" : "no"));
    for (const Zone& zone : node.zones) {
      if (zone.managed == 0) continue;
      out.push_back(line("Node %d %s free:%ldkB boost:%ldkB min:%ldkB low:%ldkB high:%ldkB present:%ldkB managed:%ldkB free_pcp:%ldkB",
                         node.id.value, host::zone_name(zone.kind), zone.free * kKib, zone.boost * kKib, zone.min_mark() * kKib, zone.low_mark() * kKib,
                         zone.high_mark() * kKib, zone.present * kKib, zone.managed * kKib, zone.parked() * kKib));
      std::string reserve = "lowmem_reserve[]:";
      for (int64_t pages : zone.lowmem_reserve) reserve += line(" %ld", pages);
      out.push_back(reserve);
    }
  }
}

void cgroup_lines(const Kernel& k, const host::Cgroup& group, std::vector<std::string>& out) {
  const auto limit = [](int64_t pages) { return pages >= host::kUnlimited ? int64_t{9007199254740988} : pages * kKib; };
  out.push_back(line("memory: usage %ldkB, limit %ldkB, failcnt %ld", group.usage * kKib, limit(group.max), group.events.max));
  out.push_back(line("swap: usage %ldkB, limit %ldkB, failcnt %ld", group.swap_usage * kKib, limit(group.swap_max), group.swap_events.fail));
  out.push_back("Memory cgroup stats for " + group.path + ":");
  const uint8_t index = static_cast<uint8_t>(&group - k.host.cgroups.data());
  const char* const names[] = {"inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable"};
  for (size_t list = 0; list < host::kLists; ++list) {
    int64_t pages = 0;
    for (const Node& node : k.host.nodes) pages += node.size(static_cast<host::LruKindIndex>(list), index);
    out.push_back(line("%s %ld", names[list], pages * kPageBytes));
  }
}

void task_table(const Kernel& k, uint8_t cgroup, std::vector<std::string>& out) {
  out.push_back("Tasks state (memory values in pages):");
  out.push_back("[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name");
  for (const Process& process : k.host.processes) {
    if (!process.alive || process.unkillable || !host::within(k.host.cgroups, process.cgroup, cgroup)) continue;
    out.push_back(line("[%7d] %5d %5d %8ld %8ld %8ld %8ld         %5d %s", process.pid, process.uid, process.pid, process.total_vm_pages(),
                       process.rss_anon + process.rss_file + process.rss_shmem, process.table_pages() * kPageBytes, process.swap_entries,
                       process.oom_score_adj, process.comm.c_str()));
  }
}

}  // namespace

std::vector<std::string> oom_dmesg(const Kernel& k, const OomReport& report, const Gfp& gfp) {
  std::vector<std::string> out;
  const Process* invoker = report.invoker == host::kNoProcess ? nullptr : &k.host.processes[report.invoker];
  const char* mask = gfp.movable ? "0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO)" : "0xcc0(GFP_KERNEL)";
  out.push_back(line("%s invoked oom-killer: gfp_mask=%s, order=0, oom_score_adj=%d", invoker ? invoker->comm.c_str() : "kernel", mask, invoker ? invoker->oom_score_adj : 0));
  if (report.cgroup == host::kRootCgroup) {
    mem_info(k, out);
    zone_lines(k, out);
    out.push_back(line("Free swap  = %ldkB", k.host.free_swap() * kKib));
    out.push_back(line("Total swap = %ldkB", k.host.total_swap * kKib));
  } else {
    cgroup_lines(k, k.host.cgroups[report.cgroup], out);
  }
  task_table(k, report.cgroup, out);
  if (report.victim == host::kNoProcess) {
    out.push_back(k.host.spec.vm.panic_on_oom > 0 ? "Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is enabled" : "Kernel panic - not syncing: System is deadlocked on memory");
    return out;
  }
  const Process& victim = k.host.processes[report.victim];
  const std::string& path = k.host.cgroups[victim.cgroup].path;
  const bool global = report.cgroup == host::kRootCgroup;
  const std::string scope = global ? "global_oom" : "oom_memcg=" + k.host.cgroups[report.cgroup].path;
  out.push_back(line("oom-kill:constraint=%s,nodemask=(null),cpuset=/,mems_allowed=0-%d,%s,task_memcg=%s,task=%s,pid=%d,uid=%d",
                     global ? "CONSTRAINT_NONE" : "CONSTRAINT_MEMCG", k.host.nodes.back().id.value, scope.c_str(), path.c_str(), victim.comm.c_str(), victim.pid, victim.uid));
  out.push_back(line("%s: Killed process %d (%s) total-vm:%ldkB, anon-rss:%ldkB, file-rss:%ldkB, shmem-rss:%ldkB, UID:%d pgtables:%ldkB oom_score_adj:%d",
                     global ? "Out of memory" : "Memory cgroup out of memory", victim.pid, victim.comm.c_str(), victim.total_vm_pages() * kKib, victim.rss_anon * kKib, victim.rss_file * kKib, victim.rss_shmem * kKib,
                     victim.uid, victim.table_pages() * kKib, victim.oom_score_adj));
  return out;
}

}  // namespace oomcast::mm
