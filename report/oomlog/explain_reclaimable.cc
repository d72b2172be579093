// Says where the memory was, and why none of it could be freed.
#include <algorithm>

#include "report/oomlog/explain.h"
#include "report/oomlog/facts.h"
#include "report/oomlog/words.h"

namespace oomcast::oomlog {
namespace {

constexpr int64_t kMuch = 64 * 1024;  // KiB. More is worth a sentence; if the host's size is known, a fiftieth of it

class Held {
 public:
  explicit Held(const OomReport& report) : report_(report), of_nodes_(has_node_constraint(report)) {
    const auto usable = report.usable_pages();
    total_ = usable && !of_nodes_ ? *usable * report.page_kb : managed_kb(report);
  }
  bool much(int64_t kb) const { return kb > 0 && (total_ > 0 ? kb >= total_ / 50 : kb >= kMuch); }
  std::string of_all(int64_t kb) const {
    return kb_text(kb) + (total_ > 0 ? " (" + report::percent_text(kb, total_) + ")" : std::string());
  }
  /// Of the host; if certain nodes were short, of these. They alone are in the report, with fewer counters.
  int64_t kb(std::string_view name) const {
    if (!of_nodes_) return pages_kb(report_, name);
    int64_t sum = 0;
    for (const NodeReport& node : report_.nodes) sum += node.kb.get(name);
    for (const ZoneReport& zone : report_.zones)
      if (report_.nodes.empty() || name == "free_cma" || name.starts_with("slab_")) sum += zone.kb.get(name);
    return sum;
  }
  bool has(std::string_view name) const {
    if (!of_nodes_) return report_.mem_info.has(name);
    return std::ranges::any_of(report_.zones, [&](const ZoneReport& zone) { return zone.kb.has(name); });
  }
  bool of_nodes() const { return of_nodes_; }

 private:
  const OomReport& report_;
  bool of_nodes_;
  int64_t total_ = 0;
};

std::string swap_state(const OomReport& report) {
  if (!report.total_swap_kb) return "the log does not say whether there was swap";
  const int64_t total = *report.total_swap_kb, free = report.free_swap_kb.value_or(0);
  if (total == 0) return "there was no swap to put it";
  if (report.swap_is_full()) return "swap was full: " + kb_text(free) + " free of " + kb_text(total);
  return "swap had room (" + kb_text(free) + " free of " + kb_text(total) +
         "), so swapping was too slow, kept off by vm.swappiness or a cgroup, or the pages were in use faster than "
         "they were found";
}

int64_t anon_in_usable_zones(const OomReport& report) {
  int64_t sum = 0;
  for (const ZoneState& state : zone_states(report))
    if (state.usable) sum += state.zone->kb.get("active_anon") + state.zone->kb.get("inactive_anon");
  return sum;
}

void add_host(const OomReport& report, std::vector<std::string>& out) {
  const Held held(report);
  if (report.mem_info.empty() || (held.of_nodes() && report.nodes.empty() && report.zones.empty())) return;
  const int64_t shmem = held.kb("shmem"), listed = held.kb("active_anon") + held.kb("inactive_anon");
  // Shared memory is on the anonymous lists, or on the unevictable one (a graphics driver's, locked segments).
  const int64_t anon = std::max<int64_t>(0, listed - std::max<int64_t>(0, shmem - held.kb("unevictable")));
  const int64_t files = held.kb("active_file") + held.kb("inactive_file"),
                waiting = held.kb("dirty") + held.kb("writeback");
  if (held.of_nodes()) out.push_back("These are amounts of the nodes that the request could use.");
  out.push_back("Programs' own memory (anonymous), " + held.of_all(anon) + ": " +
                (only_programs_had_room(report)
                     ? kb_text(anon_in_usable_zones(report)) + " of it lay in the zones that were short"
                     : swap_state(report)) +
                ".");
  if (held.much(shmem))
    out.push_back("Shared memory and tmpfs, " + held.of_all(shmem) +
                  ": goes to swap like programs' own memory, is freed only when its files are deleted, and killing "
                  "does not free it.");
  std::string cache = "Cache of files, " + held.of_all(files) + ": ";
  if (waiting * 2 > files && waiting > 0)
    cache += kb_text(waiting) + " of it dirty or being written, and must reach the disk first";
  else if (held.much(files))
    cache += "scanned and not freed; it was in use, or not in the zone that was short";
  else
    cache += "almost nothing was left";
  out.push_back(cache + ".");
  if (held.much(held.kb("unevictable")))
    out.push_back("Unevictable (mlock, ramfs, secret memory), " + held.of_all(held.kb("unevictable")) +
                  ": never reclaimed.");
  if (held.has("slab_reclaimable"))
    out.push_back("Slab called reclaimable, " + held.of_all(held.kb("slab_reclaimable")) +
                  (reclaim_searched_all(report)
                       ? ": the shrinkers were asked in each round and left it; its objects were in use."
                       : ": this kill does not show whether the shrinkers could have freed it."));
  if (held.has("slab_unreclaimable")) {
    std::string slab = "Slab that is not reclaimable, " + held.of_all(held.kb("slab_unreclaimable")) +
                       ": objects of the kernel's, never reclaimed";
    std::vector<std::pair<std::string, int64_t>> largest = report.slabs_kb;
    std::stable_sort(largest.begin(), largest.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    for (size_t i = 0; i < largest.size() && i < 3; ++i)
      slab += (i == 0 ? "; largest: " : ", ") + largest[i].first + " " + kb_text(largest[i].second);
    out.push_back(slab + ".");
  }
  if (held.much(held.kb("pagetables")))
    out.push_back("Page tables, " + held.of_all(held.kb("pagetables")) +
                  ": freed only when their processes end or unmap.");
  int64_t huge = 0, huge_free = 0;
  for (const HugePages& pages : report.huge_pages) {
    huge += pages.total_kb();
    huge_free += pages.free_kb();
  }
  if (huge > 0)
    out.push_back("Reserved huge pages (vm.nr_hugepages), " + held.of_all(huge) + ", " + kb_text(huge_free) +
                  " of it unused: kept for hugetlbfs whatever happens.");
  if (held.much(held.kb("free_cma")))
    out.push_back("Free CMA, " + held.of_all(held.kb("free_cma")) + ": only movable memory may use it.");
  if (const int64_t compressed = zspages_kb(report); held.much(compressed))
    out.push_back("Compressed pages of zram or zswap, " + held.of_all(compressed) +
                  ": this swap lies in memory itself.");
  if (const int64_t balloon = balloon_kb(report); held.much(balloon))
    out.push_back("A balloon of the hypervisor, " + held.of_all(balloon) +
                  ": the guest gets it back when the host says so.");
  if (const auto rest = unaccounted_kb(report); rest && !held.of_nodes() && held.much(*rest))
    out.push_back("In none of the counters, " + held.of_all(*rest) +
                  ": taken by drivers, a balloon of the hypervisor, per-CPU areas or network buffers.");
  for (const NodeReport& node : report.nodes)
    if (node.all_unreclaimable.value_or(false))
      out.push_back("On node " + std::to_string(node.id) + " kswapd had given up (all_unreclaimable).");
}

/// Page tables, stacks, buffers of sockets: counted by v1 as kmem, by v2 by name.
void add_kernel_memory(const MemcgReport& group, int64_t slab, std::vector<std::string>& out) {
  const Counters& stat = group.stat_bytes;
  const int64_t all = stat.has("kernel")    ? stat.get("kernel") / 1024
                      : group.kernel_memory ? group.kernel_memory->usage_kb
                                            : 0;
  const int64_t usage = group.memory ? group.memory->usage_kb : 0;
  if (all > slab && all - slab > usage / 50)
    out.push_back(std::string("Kernel memory of the group, ") + (slab > 0 ? "slab left out, " : "") +
                  kb_text(all - slab) + ": page tables, stacks and the like" + (slab > 0 ? "" : ", and slab") +
                  ", freed when programs, files and sockets are closed.");
  if (const int64_t sock = stat.get("sock") / 1024; sock > usage / 50)
    out.push_back("Buffers of sockets, " + kb_text(sock) + ": freed when the other side has read.");
}

void add_memcg(const OomReport& report, std::vector<std::string>& out) {
  const MemcgReport& group = *report.memcg;
  const Counters& stat = group.stat_bytes;
  if (stat.empty()) return;
  const auto kb = [&](const char* name) { return stat.get(name) / 1024; };
  const int64_t shmem = kb("shmem");
  const int64_t listed = kb("active_anon") + kb("inactive_anon");
  const int64_t anon = stat.has("anon")  ? kb("anon")
                       : stat.has("rss") ? kb("rss")
                                         : std::max<int64_t>(0, listed - shmem);
  std::string swap = "the report does not say whether it could be swapped";
  if (group.swap && group.swap->limit_kb == 0)
    swap = "the group may not swap (memory.swap.max is 0)";
  else if (group.swap && !group.swap->unlimited() && group.swap->usage_kb >= group.swap->limit_kb)
    swap = "the group's swap was full (memory.swap.max)";
  else if (group.swap && group.swap->usage_kb == 0)
    swap = "none of it was in swap: the host has none, or swappiness kept it off";
  else if (group.memory_and_swap && !group.memory_and_swap->unlimited() &&
           group.memory_and_swap->usage_kb >= group.memory_and_swap->limit_kb)
    swap = "the limit of memory and swap together was reached, so swapping would free nothing";
  else if (group.memory_and_swap && group.memory && group.memory_and_swap->usage_kb == group.memory->usage_kb)
    swap = "none of it was in swap: the host has none, or swappiness kept it off";
  else if (group.swap)
    swap = kb_text(group.swap->usage_kb) + " was in swap already";
  out.push_back("Programs' own memory (anonymous) in the group, " + kb_text(anon) + (anon > 0 ? ": " + swap : "") +
                ".");
  if (shmem > 0)
    out.push_back("Shared memory and tmpfs, " + kb_text(shmem) +
                  ": charged to the group until its files are deleted, and killing does not free it.");
  const int64_t files = kb("active_file") + kb("inactive_file"),
                waiting = kb("file_dirty") + kb("file_writeback") + kb("dirty") + kb("writeback");
  std::string cache = "Cache of files, " + kb_text(files) + ": ";
  cache += waiting * 2 > files && waiting > 0  ? kb_text(waiting) + " of it dirty or being written"
           : files > anon / 20 && files > 1024 ? "scanned and not freed; it was in use"
                                               : "almost nothing was left";
  out.push_back(cache + ".");
  const int64_t slab = kb("slab") + (stat.has("slab") ? 0 : kb("slab_reclaimable") + kb("slab_unreclaimable"));
  if (slab > 0)
    out.push_back("Slab, " + kb_text(slab) +
                  (stat.has("slab_unreclaimable") ? ", " + kb_text(kb("slab_unreclaimable")) + " of it never reclaimed."
                                                  : std::string(".")));
  add_kernel_memory(group, slab, out);
  if (kb("unevictable") > 0) out.push_back("Unevictable (mlock), " + kb_text(kb("unevictable")) + ": never reclaimed.");
}

}  // namespace

Section explain_reclaimable(const OomReport& report) {
  Section section{"reclaimable", "What was there, and why it could not be had", {}};
  // SysRq had nobody reclaim anything. A refused request did not go on until nothing was left, as a kill does.
  if (report.request.order == -1 || report.refused) return section;
  if (report.memcg)
    add_memcg(report, section.sentences);
  else
    add_host(report, section.sentences);
  return section;
}

}  // namespace oomcast::oomlog
