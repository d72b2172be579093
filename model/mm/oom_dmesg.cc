// Writes the OOM report of the kernel log with the modelled numbers; kernel-spec section 8.6 has the formats.

#include "model/base/printf_text.h"
#include "model/mm/oom_killer.h"

namespace oomcast::mm {

using host::LruKindIndex;
using host::Node;
using host::Process;
using host::Zone;

namespace {

constexpr int64_t kKib = 4;  // KiB per page of 4 KiB

int64_t total(const Kernel& k, LruKindIndex list) {
  int64_t sum = 0;
  for (const Node& node : k.host.nodes) sum += node.size(list);
  return sum;
}

// Pages of a node that are on no LRU list. Unreclaimable slab and kernel stacks keep the snapshot's values.
struct NodeKinds {
  int64_t tables = 0, shmem = 0, slab_reclaimable = 0, slab_unreclaimable = 0, stacks_kb = 0, huge = 0, swap_cache = 0;
};

IndexVector<host::NodeIndex, NodeKinds> kinds_of(const Kernel& k) {
  IndexVector<host::NodeIndex, NodeKinds> kinds;
  for (const host::NodeIndex n : k.host.nodes.indices()) {
    const host::NodeSpec& spec = k.host.spec.nodes[n.place()];
    NodeKinds& kind = kinds.emplace_back();
    kind.tables = spec.page_tables.count();
    kind.shmem = k.host.nodes[n].nr_shmem;
    kind.slab_reclaimable = k.host.nodes[n].slab_reclaimable;
    kind.slab_unreclaimable = spec.slab_unreclaimable.count();
    kind.stacks_kb = spec.kernel_stack_kb;
    for (const Zone& zone : k.host.nodes[n].zones) {
      kind.huge += zone.huge_blocks;
      for (const host::Pcp& pcp : zone.pcp) kind.huge -= pcp.huge_blocks;
    }
  }
  for (const Process& process : k.host.processes) {
    for (const ZoneRef where : process.table_pages_at) ++kinds[where.node].tables;
  }
  for (host::PageId id = 0; id < k.host.pages.size(); ++id) {
    const host::Page page = std::as_const(k.host.pages)[id];
    if (k.host.pages.alive(id) && page.has(host::kPageSwapCache)) ++kinds[page.node()].swap_cache;
  }
  return kinds;
}

void mem_info(const Kernel& k, const IndexVector<host::NodeIndex, NodeKinds>& kinds, std::vector<std::string>& out) {
  int64_t free = 0, parked = 0, cma = 0, writeback = 0, dirty = 0, mapped = 0;
  NodeKinds sum;
  for (const host::NodeIndex n : k.host.nodes.indices()) {
    const Node& node = k.host.nodes[n];
    free += node.free();
    writeback += node.nr_writeback;
    dirty += node.nr_dirty;
    mapped += node.file_mapped;
    for (const Zone& zone : node.zones) {
      parked += zone.parked();
      cma += zone.free_cma;
    }
    sum.tables += kinds[n].tables;
    sum.shmem += kinds[n].shmem;
    sum.slab_reclaimable += kinds[n].slab_reclaimable;
    sum.slab_unreclaimable += kinds[n].slab_unreclaimable;
  }
  out.push_back("Mem-Info:");
  out.push_back(printf_text("active_anon:%ld inactive_anon:%ld isolated_anon:0", total(k, LruKindIndex::kActiveAnon),
                            total(k, LruKindIndex::kInactiveAnon)));
  out.push_back(printf_text(" active_file:%ld inactive_file:%ld isolated_file:0", total(k, LruKindIndex::kActiveFile),
                            total(k, LruKindIndex::kInactiveFile)));
  out.push_back(
      printf_text(" unevictable:%ld dirty:%ld writeback:%ld", total(k, LruKindIndex::kUnevictable), dirty, writeback));
  out.push_back(
      printf_text(" slab_reclaimable:%ld slab_unreclaimable:%ld", sum.slab_reclaimable, sum.slab_unreclaimable));
  out.push_back(printf_text(" mapped:%ld shmem:%ld pagetables:%ld", mapped, sum.shmem, sum.tables));
  out.push_back(printf_text(" free:%ld free_pcp:%ld free_cma:%ld", free, parked, cma));
}

void node_line(const Kernel& k, const Node& node, const NodeKinds& kind, std::vector<std::string>& out) {
  const char* gap = k.follows(host::KernelRule::kTaskTableSplitsRss) ? "" : " ";
  out.push_back(printf_text(
      "Node %d active_anon:%ldkB inactive_anon:%ldkB active_file:%ldkB inactive_file:%ldkB unevictable:%ldkB "
      "isolated(anon):0kB isolated(file):0kB "
      "mapped:%ldkB dirty:%ldkB writeback:%ldkB shmem:%ldkB shmem_thp:%s0kB shmem_pmdmapped:%s0kB anon_thp:%s%ldkB "
      "kernel_stack:%ldkB pagetables:%ldkB "
      "all_unreclaimable? %s",
      node.id.value, node.size(LruKindIndex::kActiveAnon) * kKib, node.size(LruKindIndex::kInactiveAnon) * kKib,
      node.size(LruKindIndex::kActiveFile) * kKib, node.size(LruKindIndex::kInactiveFile) * kKib,
      node.size(LruKindIndex::kUnevictable) * kKib, node.file_mapped * kKib, node.nr_dirty * kKib,
      node.nr_writeback * kKib, kind.shmem * kKib, gap, gap, gap, kind.huge * host::kHugePages * kKib, kind.stacks_kb,
      kind.tables * kKib, node.kswapd_failures >= 16 ? "yes" : "no"));
}

void zone_line(const Kernel& k, const Node& node, const Zone& zone, std::vector<std::string>& out) {
  const auto listed = [&](LruKindIndex list) { return node.size_of_zone(list, zone.kind) * kKib; };
  const host::Pcp& own = zone.pcp[k.sched.current().cpu];
  out.push_back(printf_text(
      "Node %d %s free:%ldkB boost:%ldkB min:%ldkB low:%ldkB high:%ldkB reserved_highatomic:%ldKB active_anon:%ldkB "
      "inactive_anon:%ldkB active_file:%ldkB "
      "inactive_file:%ldkB unevictable:%ldkB writepending:%ldkB present:%ldkB managed:%ldkB mlocked:%ldkB "
      "free_pcp:%ldkB "
      "local_pcp:%ldkB free_cma:%ldkB",
      node.id.value, host::zone_name(zone.kind), zone.free * kKib, zone.boost * kKib, zone.min_mark() * kKib,
      zone.low_mark() * kKib, zone.high_mark() * kKib, zone.highatomic * kKib, listed(LruKindIndex::kActiveAnon),
      listed(LruKindIndex::kInactiveAnon), listed(LruKindIndex::kActiveFile), listed(LruKindIndex::kInactiveFile),
      listed(LruKindIndex::kUnevictable), zone.write_pending * kKib, zone.present * kKib, zone.managed * kKib,
      zone.mlocked * kKib, zone.parked() * kKib, own.count * kKib, zone.free_cma * kKib));
  std::string reserve = "lowmem_reserve[]:";
  for (int64_t pages : zone.lowmem_reserve) reserve += printf_text(" %ld", pages);
  out.push_back(reserve);
}

// Only the nodes and zones that the request may use (SHOW_MEM_FILTER_NODES).
void zone_lines(const Kernel& k, const Gfp& gfp, const IndexVector<host::NodeIndex, NodeKinds>& kinds,
                std::vector<std::string>& out) {
  for (const host::NodeIndex n : k.host.nodes.indices()) {
    if (gfp.allows(n)) node_line(k, k.host.nodes[n], kinds[n], out);
  }
  for (const host::NodeIndex n : k.host.nodes.indices()) {
    for (const Zone& zone : k.host.nodes[n].zones) {
      if (zone.managed > 0 && zone.kind <= gfp.highest_zone && gfp.allows(n)) zone_line(k, k.host.nodes[n], zone, out);
    }
  }
}

void totals(const Kernel& k, const IndexVector<host::NodeIndex, NodeKinds>& kinds, std::vector<std::string>& out) {
  int64_t cache = total(k, LruKindIndex::kActiveFile) + total(k, LruKindIndex::kInactiveFile), swap_cache = 0,
          present = 0, managed = 0;
  for (const host::NodeIndex n : k.host.nodes.indices()) {
    cache += kinds[n].shmem + kinds[n].swap_cache;
    swap_cache += kinds[n].swap_cache;
    for (const Zone& zone : k.host.nodes[n].zones) {
      present += zone.present;
      managed += zone.managed;
    }
  }
  out.push_back(printf_text("%ld total pagecache pages", cache));
  out.push_back(printf_text("%ld pages in swap cache", swap_cache));
  out.push_back(printf_text("Free swap  = %ldkB", k.host.free_swap() * kKib));
  out.push_back(printf_text("Total swap = %ldkB", k.host.total_swap * kKib));
  out.push_back(printf_text("%ld pages RAM", present));
  out.push_back("0 pages HighMem/MovableOnly");
  out.push_back(printf_text("%ld pages reserved", present - managed));
}

void cgroup_lines(const Kernel& k, const host::Cgroup& group, std::vector<std::string>& out) {
  const auto limit = [](int64_t pages) { return pages >= host::kUnlimited ? int64_t{9007199254740988} : pages * kKib; };
  out.push_back(printf_text("memory: usage %ldkB, limit %ldkB, failcnt %ld", group.usage * kKib, limit(group.max),
                            group.events.max));
  if (group.v1)
    out.push_back(printf_text("memory+swap: usage %ldkB, limit %ldkB, failcnt %ld", group.memsw_usage() * kKib,
                              limit(group.memsw_max), group.memsw_failcnt));
  else
    out.push_back(printf_text("swap: usage %ldkB, limit %ldkB, failcnt %ld", group.swap_usage * kKib,
                              limit(group.swap_max), group.swap_events.fail));
  out.push_back("Memory cgroup stats for " + group.path + ":");
  const host::CgroupIndex index = k.host.cgroups.index_of(group);
  const char* const names[] = {"inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable"};
  for (size_t list = 0; list < host::kLists; ++list) {
    int64_t pages = 0;
    for (const Node& node : k.host.nodes) pages += node.size(static_cast<host::LruKindIndex>(list), index);
    out.push_back(printf_text("%s %ld", names[list], pages * kPageBytes));
  }
}

void task_table(const Kernel& k, host::CgroupIndex cgroup, std::vector<std::string>& out) {
  const bool split_rss = k.follows(host::KernelRule::kTaskTableSplitsRss);
  out.push_back("Tasks state (memory values in pages):");
  out.push_back(split_rss ? "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes "
                            "swapents oom_score_adj name"
                          : "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name");
  for (const Process& process : k.host.processes) {
    if (!process.alive || process.unkillable || !host::within(k.host.cgroups, process.cgroup, cgroup)) continue;
    std::string row = printf_text("[%7d] %5d %5d %8ld %8ld", process.pid, process.uid, process.pid,
                                  process.total_vm_pages(), process.rss_anon + process.rss_file + process.rss_shmem);
    if (split_rss) row += printf_text(" %8ld %8ld %9ld", process.rss_anon, process.rss_file, process.rss_shmem);
    row += printf_text(" %8ld %8ld         %5d %s", process.table_pages() * kPageBytes, process.swap_entries,
                       process.oom_score_adj, process.comm.c_str());
    out.push_back(row);
  }
}

const char* constraint_name(OomConstraint constraint) {
  switch (constraint) {
    case OomConstraint::kNone:
      return "CONSTRAINT_NONE";
    case OomConstraint::kMemoryPolicy:
      return "CONSTRAINT_MEMORY_POLICY";
    case OomConstraint::kMemcg:
      return "CONSTRAINT_MEMCG";
  }
  return "";
}

// The nodes of the mask as %*pbl prints them: "0-1,3".
std::string node_list(const Kernel& k, host::NodeMask nodes) {
  std::string text;
  int first = -1, last = -1;
  const auto finish = [&] {
    if (first < 0) return;
    text += (text.empty() ? "" : ",") + std::to_string(first) + (last > first ? "-" + std::to_string(last) : "");
  };
  for (const host::NodeIndex n : k.host.nodes.indices()) {
    if (!host::mask_has(nodes, n.value())) continue;
    const int id = k.host.nodes[n].id.value;
    if (first < 0 || id != last + 1) {
      finish();
      first = id;
    }
    last = id;
  }
  finish();
  return text;
}

// For vm.panic_on_oom, or if no process may be killed. A cgroup without a killable process is no panic.
void no_victim_lines(const Kernel& k, const OomReport& report, std::vector<std::string>& out) {
  if (!report.panic) {
    out.push_back("Out of memory and no killable processes...");
    return;
  }
  if (panics_on_oom(k.host, report.constraint)) {
    out.push_back(printf_text("Kernel panic - not syncing: Out of memory: %s panic_on_oom is enabled",
                              k.host.spec.vm.panic_on_oom == 2 ? "compulsory" : "system-wide"));
    return;
  }
  out.push_back("Out of memory and no killable processes...");
  out.push_back("Kernel panic - not syncing: System is deadlocked on memory");
}

}  // namespace

std::string oom_killed_line(const Kernel& k, const OomReport& report, host::ProcessIndex index) {
  const Process& victim = k.host.processes[index];
  const bool global = report.cgroup == host::kRootCgroup;
  const char* cause = !global                  ? "Memory cgroup out of memory"
                      : report.allocating_task ? "Out of memory (oom_kill_allocating_task)"
                                               : "Out of memory";
  return printf_text(
      "%s: Killed process %d (%s) total-vm:%ldkB, anon-rss:%ldkB, file-rss:%ldkB, shmem-rss:%ldkB, UID:%d "
      "pgtables:%ldkB oom_score_adj:%d",
      cause, victim.pid, victim.comm.c_str(), victim.total_vm_pages() * kKib, victim.rss_anon * kKib,
      victim.rss_file * kKib, victim.rss_shmem * kKib, victim.uid, victim.table_pages() * kKib, victim.oom_score_adj);
}

std::vector<std::string> oom_dmesg(const Kernel& k, const OomReport& report, const Gfp& gfp) {
  std::vector<std::string> out;
  const Process* invoker = report.invoker == host::kNoProcess ? nullptr : &k.host.processes[report.invoker];
  const char* mask = gfp.type == host::Migratetype::kMovable ? "0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO)"
                                                             : "0xcc0(GFP_KERNEL)";
  out.push_back(printf_text("%s invoked oom-killer: gfp_mask=%s, order=0, oom_score_adj=%d",
                            invoker ? invoker->comm.c_str() : "kernel", mask, invoker ? invoker->oom_score_adj : 0));
  if (report.cgroup == host::kRootCgroup) {
    const IndexVector<host::NodeIndex, NodeKinds> kinds = kinds_of(k);
    mem_info(k, kinds, out);
    zone_lines(k, gfp, kinds, out);
    totals(k, kinds, out);
  } else {
    cgroup_lines(k, k.host.cgroups[report.cgroup], out);
  }
  task_table(k, report.cgroup, out);
  if (report.victim == host::kNoProcess) {
    no_victim_lines(k, report, out);
    return out;
  }
  const Process& victim = k.host.processes[report.victim];
  const std::string& path = k.host.cgroups[victim.cgroup].path;
  const bool global = report.cgroup == host::kRootCgroup;
  const std::string scope = global ? "global_oom" : "oom_memcg=" + k.host.cgroups[report.cgroup].path;
  out.push_back(printf_text(
      "oom-kill:constraint=%s,nodemask=%s,cpuset=/,mems_allowed=%s,%s,task_memcg=%s,task=%s,pid=%d,uid=%d",
      constraint_name(report.constraint),
      report.constraint == OomConstraint::kMemoryPolicy ? node_list(k, report.nodes).c_str() : "(null)",
      node_list(k, host::kAllNodes).c_str(), scope.c_str(), path.c_str(), victim.comm.c_str(), victim.pid, victim.uid));
  out.push_back(oom_killed_line(k, report, report.victim));
  return out;
}

}  // namespace oomcast::mm
