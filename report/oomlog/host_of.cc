// Makes a host description of an OOM report. See host_of.h.
#include "report/oomlog/host_of.h"

#include <algorithm>
#include <set>

#include "model/spec/defaults.h"
#include "model/spec/field_names.h"
#include "model/spec/neighbours.h"
#include "model/spec/node_counters.h"
#include "model/spec/proportion.h"
#include "model/spec/read_host.h"
#include "model/spec/watermarks.h"
#include "report/oomlog/facts.h"
#include "report/oomlog/free_victims.h"

namespace oomcast::oomlog {
namespace {

using namespace oomcast::host;

constexpr const char* kWhy = "not in an OOM report";

/// In pages; 0 if the counter is absent.
Pages counter(const Counters& kb, std::string_view name) { return pages_of_kb(kb.get(name)); }

LruSizes lists_of(const Counters& kb) {
  LruSizes lists;
  for (const LruCounter& list : kLruCounters) lists.*list.of = counter(kb, list.key);
  return lists;
}

class Builder {
 public:
  Builder(const OomReport& report, const std::string& name) : report_(report) { spec_.name = name; }

  Result<HostSpec> build() {
    if (auto refused = refusal()) return *refused;
    take_kernel();
    take_zones();
    take_nodes();
    take_cpus();
    take_swap();
    take_processes();
    keep_what_could_not_be_had();
    if (report_.killed)
      assume(free_victims(spec_, report_));
    else
      assume("processes[]: all of the table (the log does not say who was killed, so nobody's memory is free again)");
    settle();
    if (auto valid = validate(spec_); !valid)
      return Error{spec_.name + ": the OOM report contradicts itself: " + valid.error().message};
    return std::move(spec_);
  }

 private:
  void assume(const std::string& what) { spec_.assumed.push_back(what); }

  std::optional<Error> refusal() const {
    if (report_.memcg && report_.zones.empty()) {
      std::string limit = "memory.max=LIMIT";
      if (report_.memcg->memory && !report_.memcg->memory->unlimited())
        limit = "memory.max=" + std::to_string(report_.memcg->memory->limit_kb) + "K";
      return Error{spec_.name +
                   ": the kill was of a cgroup, and its report says nothing of the host; give a host and the limit: "
                   "--host HOST --cgroup " +
                   limit};
    }
    if (report_.zones.empty())
      return Error{spec_.name +
                   ": the OOM report has no lines of zones ('Node 0 DMA32 free:...'), so it describes no host; was the "
                   "log cut? Try an earlier --nth or the whole log"};
    if (report_.page_kb != 4)
      return Error{
          spec_.name + ": pages of " + std::to_string(report_.page_kb) +
          " KiB; the model knows hosts with pages of 4 KiB only ('oomcast explain' reads the report all the same)"};
    if (has_high_memory(report_))
      return Error{spec_.name +
                   ": a 32-bit kernel with high memory (zone HighMem), which is not modelled; 'oomcast explain' "
                   "reads the report all the same"};
    for (const ZoneReport& zone : report_.zones) {
      if (!zone_kind(zone.name))
        return Error{spec_.name + ": zone " + zone.name + " is none of x86-64; 32-bit hosts are not modelled"};
      if (!zone.kb.has("present") || !zone.kb.has("min"))
        return Error{spec_.name + ": the line of node " + std::to_string(zone.node) + " zone " + zone.name +
                     " is cut: it lacks min: or present:"};
      if (!zone.kb.has("managed") && !before_managed())
        return Error{spec_.name + ": the line of node " + std::to_string(zone.node) + " zone " + zone.name +
                     " is cut: it lacks managed:"};
    }
    if (std::ranges::none_of(report_.zones, [](const ZoneReport& zone) { return managed_kb(zone) > 0; }))
      return Error{spec_.name + ": no zone of the OOM report has memory (managed:0kB in all of them)"};
    return std::nullopt;
  }

  /// Before 3.9 zones have no managed:. A line that is only cut has a neighbour with it.
  bool before_managed() const {
    return std::ranges::none_of(report_.zones, [](const ZoneReport& zone) { return zone.kb.has("managed"); });
  }

  /// Managed memory; before 3.9 the zone's share of what is present and not reserved.
  Pages managed_of(const ZoneReport& zone) const {
    if (zone.kb.has("managed")) return counter(zone.kb, "managed");
    const Pages present = counter(zone.kb, "present"), all = pages_of_kb(managed_kb(report_));
    const Pages usable(report_.usable_pages().value_or(all.count()));
    return usable < all ? proportion(present, usable, all) : present;
  }

  void take_kernel() {
    const Version version = version_of(report_);
    spec_.kernel = version.version;
    spec_.kernel_release = report_.kernel_release;
    if (!version.guessed_from.empty()) {
      spec_.kernel_release = std::to_string(spec_.kernel.major) + "." + std::to_string(spec_.kernel.minor);
      assume("kernel: " + spec_.kernel_release + " (guessed from " + version.guessed_from + ")");
    }
    spec_.lru = default_lru(spec_.kernel);
    assume(std::string("lru: ") + lru_name(spec_.lru) + " (" + kWhy + ")");
    note_kernel_rules(spec_);
  }

  NodeSpec& node_at(int id) {
    const auto at = std::lower_bound(spec_.nodes.begin(), spec_.nodes.end(), id,
                                     [](const NodeSpec& node, int wanted) { return node.id.value < wanted; });
    if (at != spec_.nodes.end() && at->id.value == id) return *at;
    NodeSpec node;
    node.id = NodeId{id};
    return *spec_.nodes.insert(at, std::move(node));
  }

  void take_zones() {
    for (const ZoneReport& from : report_.zones) {
      if (managed_kb(from) == 0) continue;
      ZoneSpec zone;
      zone.kind = *zone_kind(from.name);
      zone.present = counter(from.kb, "present");
      zone.managed = managed_of(from);
      zone.free = std::min(counter(from.kb, "free"), zone.managed);
      zone.boost = counter(from.kb, "boost");
      // The kernel prints the marks with the boost.
      const auto mark = [&](const char* name) { return std::max(Pages(0), counter(from.kb, name) - zone.boost); };
      zone.watermarks = {mark("min"), mark("low"), mark("high")};
      zone.lru = lists_of(from.kb);
      zone.mlocked = counter(from.kb, "mlocked");
      zone.write_pending = from.kb.has("writepending") ? counter(from.kb, "writepending")
                                                       : counter(from.kb, "dirty") + counter(from.kb, "writeback");
      zone.free_cma = std::min(counter(from.kb, "free_cma"), zone.free);
      zone.highatomic_reserved = std::min(counter(from.kb, "reserved_highatomic"), zone.managed);
      for (size_t i = 0; i < from.lowmem_reserve.size() && i < zone.lowmem_reserve.size(); ++i)
        zone.lowmem_reserve[i] = Pages(std::min(from.lowmem_reserve[i], kCountLimit));
      for (size_t i = 0; i < from.free_blocks.size() && i < zone.free_blocks.size(); ++i)
        zone.free_blocks[i] = std::min(from.free_blocks[i], kCountLimit >> i);
      if (from.free_blocks.empty()) unfragment(zone);
      parked_.push_back(
          {from.node, zone.kind, std::min(counter(from.kb, "free_pcp"), std::max(Pages(0), zone.room() - zone.free))});
      NodeSpec& node = node_at(from.node);
      const auto place = std::lower_bound(node.zones.begin(), node.zones.end(), zone.kind,
                                          [](const ZoneSpec& one, ZoneKind kind) { return one.kind < kind; });
      node.zones.insert(place, zone);
      add_old_counters(from.kb, node);
    }
  }

  /// Before 4.8 slab, mapped, shmem and others are counters of zones; so are slab before 4.13 and kernel stacks before
  /// 5.9.
  void add_old_counters(const Counters& kb, NodeSpec& node) {
    const LruSizes lists = lists_of(kb);
    for (const LruCounter& list : kLruCounters) node.lru.*list.of += lists.*list.of;
    node.slab_reclaimable += counter(kb, "slab_reclaimable");
    node.slab_unreclaimable += counter(kb, "slab_unreclaimable");
    node.mapped += counter(kb, "mapped");
    node.shmem += counter(kb, "shmem");
    node.dirty += counter(kb, "dirty");
    node.writeback += counter(kb, "writeback");
    node.page_tables += counter(kb, "pagetables");
    node.kernel_stack_kb += kb.get("kernel_stack");
  }

  void take_nodes() {
    for (const NodeReport& from : report_.nodes) {
      const auto at = std::find_if(spec_.nodes.begin(), spec_.nodes.end(),
                                   [&](const NodeSpec& node) { return node.id.value == from.id; });
      if (at == spec_.nodes.end()) continue;
      at->lru = lists_of(from.kb);
      const auto take = [&](Pages& field, const char* name) {
        if (from.kb.has(name)) field = counter(from.kb, name);
      };
      take(at->mapped, "mapped");
      take(at->shmem, "shmem");
      take(at->dirty, "dirty");
      take(at->writeback, "writeback");
      take(at->page_tables, "pagetables");
      if (from.kb.has("kernel_stack")) at->kernel_stack_kb = from.kb.get("kernel_stack");
      at->unreclaimable = false;  // the victim's memory is free again: kswapd tries again
    }
    Pages managed;
    for (const NodeSpec& node : spec_.nodes) managed += node.managed();
    spec_.total_ram = managed;
    if (before_managed()) assume("zones[].managed_pages: present less reserved (not printed before 3.9)");
    // Slab (from 4.13 on) and page tables (4.8 to 5.10) are printed as sums over all nodes: each node gets its share.
    share_of_all(&NodeSpec::slab_reclaimable, "slab_reclaimable", managed);
    share_of_all(&NodeSpec::slab_unreclaimable, "slab_unreclaimable", managed);
    share_of_all(&NodeSpec::page_tables, "pagetables", managed);
    for (NodeSpec& node : spec_.nodes) {
      node.anon_pages = std::max(Pages(0), node.lru.inactive_anon + node.lru.active_anon -
                                               std::max(Pages(0), node.shmem - node.lru.unevictable));
      node.file_pages = std::min(node.lru.inactive_file + node.lru.active_file + node.shmem, node.managed());
      node.distance.clear();
      for (const NodeSpec& other : spec_.nodes) node.distance.push_back(other.id == node.id ? 10 : 20);
    }
    if (spec_.nodes.size() > 1) assume(std::string("nodes[].distance: 20 (") + kWhy + ")");
    if (const Pages all(report_.usable_pages().value_or(0)); all > managed + managed / 100)
      assume("nodes: only what the request could use, " + std::to_string(managed.count()) + " of " +
             std::to_string(all.count()) + " pages (an OOM report shows no other nodes and zones)");
  }

  void share_of_all(Pages NodeSpec::*field, const char* name, Pages managed) {
    Pages known;
    for (const NodeSpec& node : spec_.nodes) known += node.*field;
    if (known.count() > 0 || !report_.mem_info.has(name) || managed.count() == 0) return;
    const Pages all = std::min(Pages(report_.mem_info.get(name)), managed);
    for (NodeSpec& node : spec_.nodes) node.*field = proportion(all, node.managed(), managed);
    if (spec_.nodes.size() > 1)
      assume(std::string("nodes[].") + name + ": each node's share by its size (an OOM report has the sum)");
  }

  void take_cpus() {
    const int count = std::clamp(report_.request.cpu.value_or(0) + 1, static_cast<int>(spec_.nodes.size()), 8192);
    for (int cpu = 0; cpu < count; ++cpu) {
      spec_.cpus.push_back(cpu);
      spec_.nodes[static_cast<size_t>(cpu) * spec_.nodes.size() / static_cast<size_t>(count)].cpus.push_back(cpu);
    }
    assume("cpus: " + std::to_string(count) + " (an OOM report names only the CPU that wrote it)");
    for (const Parked& parked : parked_) {
      for (ZoneSpec& zone : node_at(parked.node).zones) {
        if (zone.kind != parked.kind) continue;
        zone.pcp.assign(spec_.cpus.size(), PcpSpec{});
        for (size_t i = 0; i < zone.pcp.size(); ++i)
          zone.pcp[i].count =
              Pages(parked.pages.count() / count + (static_cast<int64_t>(i) < parked.pages.count() % count ? 1 : 0));
      }
    }
  }

  void take_swap() {
    if (!report_.total_swap_kb) return assume(std::string("swap: none (the line 'Total swap' is missing)"));
    if (*report_.total_swap_kb < 4) return;
    SwapSpec swap;
    swap.name = "/dev/swap";
    swap.size = Bytes(std::min(*report_.total_swap_kb, kCountLimit) / 4 * kPageBytes);
    const int64_t free_kb = std::min(report_.free_swap_kb.value_or(0), *report_.total_swap_kb);
    swap.used = swap.size - Bytes(std::min(free_kb, kCountLimit) / 4 * kPageBytes);
    swap.used = std::max(swap.used, Bytes(0));
    swap.rotational = false;
    assume("swap[0]: one device with all swap, no zram, not rotational (an OOM report has the sum only)");
    assume_swap_times(spec_, swap, "swap[0]", kWhy);
    spec_.swaps.push_back(std::move(swap));
  }

  void take_processes() {
    Pages anon, rss;
    for (const NodeSpec& node : spec_.nodes) anon += node.anon_pages + node.lru.unevictable;
    std::set<int> seen;
    for (const TaskRow& row : report_.tasks) rss += Pages(std::min(row.rss, kCountLimit));
    bool divided = false;
    for (const TaskRow& row : report_.tasks) {
      if (!seen.insert(row.pid).second) continue;
      ProcessSpec process;
      process.pid = row.pid;
      process.parent_pid = row.pid == 1 ? 0 : 1;
      process.uid = row.uid;
      process.comm = row.comm;
      if (row.rss_anon) {
        process.rss_anon = Pages(*row.rss_anon);
        process.rss_file = Pages(row.rss_file.value_or(0));
        process.rss_shmem = Pages(row.rss_shmem.value_or(0));
      } else {
        const int64_t resident = std::min(row.rss, kCountLimit);
        const int64_t own =
            rss <= anon || rss.count() == 0 ? resident : proportion(resident, anon.count(), rss.count());
        process.rss_anon = Pages(own);
        process.rss_file = Pages(resident - own);
        divided = true;
      }
      process.swap_entries = Pages(row.swap_entries);
      process.total_vm = Pages(row.total_vm);
      process.page_tables = Bytes(std::min(row.table_pages, kCountLimit) * kPageBytes);
      process.oom_score_adj = row.oom_score_adj;
      spec_.processes.push_back(std::move(process));
    }
    std::sort(spec_.processes.begin(), spec_.processes.end(),
              [](const ProcessSpec& a, const ProcessSpec& b) { return a.pid < b.pid; });
    if (!report_.has_task_table && report_.tasks.empty())
      return assume("processes[]: none (the table of tasks is not in the log)");
    if (divided)
      assume(
          "processes[].rss_anon_pages: each process's share of all anonymous memory (the table has their sum with "
          "files and shared memory)");
    assume("processes[].parent_pid: 1 (not in an OOM report)");
  }

  /// Reclaim had searched slab and file lists and could not free what was left: keeps it as unreclaimable.
  void keep_what_could_not_be_had() {
    if (!reclaim_searched_all(report_))
      return assume(
          "slab and page cache: can be reclaimed (the kill was for larger pieces, a device's zone or certain nodes "
          "only, and does not show the opposite)");
    Pages slab, cache;
    for (NodeSpec& node : spec_.nodes) {
      slab += node.slab_reclaimable;
      node.slab_unreclaimable = std::min(node.slab_unreclaimable + node.slab_reclaimable, node.managed());
      node.slab_reclaimable = Pages(0);
      cache += pin_files(node.lru);
      for (ZoneSpec& zone : node.zones) pin_files(zone.lru);
    }
    assume("slab: all of it unreclaimable, " + std::to_string(slab.count()) +
           " pages counted as reclaimable among it (the kernel could not reclaim them before it killed)");
    assume("page cache: its last " + std::to_string(cache.count()) +
           " pages are kept in memory (they could not be had when the kernel killed)");
  }

  static Pages pin_files(LruSizes& lru) {
    const Pages files = lru.inactive_file + lru.active_file;
    lru.unevictable += files;
    lru.inactive_file = lru.active_file = Pages(0);
    return files;
  }

  void settle() {
    default_settings(spec_);
    spec_.vm.oom_kill_allocating_task = report_.allocating_task ? 1 : 0;
    assume(std::string("vm.*: the kernel's defaults, swappiness 60 among them (") + kWhy + ")");
    setup_pcp(spec_);
    for (NodeSpec& node : spec_.nodes)
      for (ZoneSpec& zone : node.zones)
        zone.stat_threshold = stat_threshold(zone.managed, static_cast<int>(spec_.cpus.size()));
    assume_calibration(spec_, kWhy);
    assume_ssd(spec_, spec_.disk, "disk", kWhy);
    assume_block_size(spec_, kWhy);
    spec_.shared_anon = anon_beyond_lists(spec_);
  }

  struct Parked {
    int node;
    ZoneKind kind;
    Pages pages;
  };
  const OomReport& report_;
  HostSpec spec_;
  std::vector<Parked> parked_;
};

}  // namespace

Result<HostSpec> host_of(const OomReport& report, const std::string& name) { return Builder(report, name).build(); }

}  // namespace oomcast::oomlog
