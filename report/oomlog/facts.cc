// Computes what follows from an OOM report. See facts.h.
#include "report/oomlog/facts.h"

#include <algorithm>

#include "model/spec/field_names.h"
#include "model/spec/kernel_rules.h"
#include "model/spec/parse_text.h"

namespace oomcast::oomlog {
namespace {

using host::KernelVersion;

// GFP bits that are the same from 3.10 to 6.12 (include/linux/gfp_types.h).
constexpr int64_t kDma = 0x1, kHighmem = 0x2, kDma32 = 0x4, kMovable = 0x8, kIo = 0x40, kFs = 0x80;

bool holds_column(const OomReport& report, const char* name) {
  return std::find(report.task_columns.begin(), report.task_columns.end(), name) != report.task_columns.end();
}

bool node_allowed(const OomReport& report, int node) {
  for (const std::string* list : {&report.request.nodemask, &report.request.mems_allowed}) {
    const auto nodes = nodes_in(*list);
    if (nodes && !nodes->empty() && std::find(nodes->begin(), nodes->end(), node) == nodes->end()) return false;
  }
  return true;
}

/// constrained_alloc() and mem_cgroup_get_max(): the memory that a step of oom_score_adj is a 1000th of, in pages.
std::optional<int64_t> total_pages(const OomReport& report, std::string& caveat) {
  const int64_t page_kb = report.page_kb;
  if (report.memcg) {
    const MemcgReport& group = *report.memcg;
    if (!group.memory || group.memory->unlimited()) return std::nullopt;
    int64_t kb = group.memory->limit_kb;
    if (group.swap && !group.swap->unlimited())
      kb += report.total_swap_kb ? std::min(group.swap->limit_kb, *report.total_swap_kb) : group.swap->limit_kb;
    else if (group.memory_and_swap && !group.memory_and_swap->unlimited())
      kb = std::max(kb, group.memory_and_swap->limit_kb);
    else
      caveat = "the host's swap, which a cgroup's report does not state, is not in the group's total";
    return kb / page_kb;
  }
  if (!report.total_swap_kb) return std::nullopt;
  const int64_t swap = *report.total_swap_kb / page_kb;
  const bool policy = has_node_constraint(report);
  if (const auto usable = report.usable_pages(); usable && !policy) return std::max<int64_t>(0, *usable) + swap;
  int64_t present = 0;
  for (const ZoneReport& zone : report.zones)
    if (node_allowed(report, zone.node)) present += zone.kb.get(policy ? "present" : "managed") / page_kb;
  if (present == 0) return std::nullopt;
  return present + swap;
}

}  // namespace

bool has_node_constraint(const OomReport& report) {
  return report.constraint == "CONSTRAINT_CPUSET" || report.constraint == "CONSTRAINT_MEMORY_POLICY";
}

Version version_of(const OomReport& report) {
  if (const auto version = host::kernel_version(report.kernel_release)) return {*version, ""};
  if (holds_column(report, "rss_anon")) return {KernelVersion{6, 12}, "the column rss_anon in the table of tasks"};
  for (const ZoneReport& zone : report.zones)
    if (zone.kb.has("boost")) return {KernelVersion{6, 1}, "the word boost in the lines of the zones"};
  if (holds_column(report, "nr_pmds")) return {KernelVersion{4, 4}, "the column nr_pmds in the table of tasks"};
  if (holds_column(report, "nr_ptes")) return {KernelVersion{3, 10}, "the column nr_ptes in the table of tasks"};
  if (report.chosen) return {KernelVersion{4, 18}, "the words 'Kill process'"};
  if (!report.constraint.empty()) return {KernelVersion{5, 4}, "the line oom-kill: and the form of the zones"};
  return {KernelVersion{6, 1}, "no sign in the log, as the newest of the older rules"};
}

std::optional<std::vector<int>> nodes_in(const std::string& list) {
  if (list.empty() || list == "(null)") return std::nullopt;
  return host::parse_cpu_list(list);
}

int highest_zone(const Request& request) {
  if (!request.gfp_mask) return 3;
  const int64_t mask = *request.gfp_mask;
  if (mask & kDma) return 0;
  if (mask & kDma32) return 1;
  return (mask & kHighmem) && (mask & kMovable) ? 3 : 2;
}

std::string purpose_of(const Request& request) {
  if (!request.gfp_mask) return "";
  const int64_t mask = *request.gfp_mask;
  if (mask & kDma) return "memory of the kernel's for an old device, below 16 MiB";
  if (mask & kDma32) return "memory of the kernel's for a device that reaches only 4 GiB";
  if ((mask & kHighmem) && (mask & kMovable)) return "memory of a program or the cache of a file";
  if (mask & kHighmem) return "memory of a program that cannot be moved";
  if (!(mask & kIo)) return "memory of the kernel's, by code that must not start I/O (GFP_NOIO)";
  if (!(mask & kFs)) return "memory of the kernel's, by code of a file system that must not enter it again (GFP_NOFS)";
  return "memory of the kernel's own: page tables, stacks, buffers, or objects of slab";
}

/// With zone HighMem, and without DMA32, the columns of lowmem_reserve[] are DMA, Normal, HighMem, Movable.
static size_t column_of_32_bit(int64_t mask) {
  if (mask & kDma) return 0;
  if (!(mask & kHighmem)) return 1;
  return mask & kMovable ? 3 : 2;
}

std::vector<ZoneState> zone_states(const OomReport& report) {
  const int highest = highest_zone(report.request);
  const int64_t mask = report.request.gfp_mask.value_or(kHighmem | kMovable);
  const int order = std::max(0, report.request.order.value_or(0));
  const bool has_highmem = std::any_of(report.zones.begin(), report.zones.end(),
                                       [](const ZoneReport& zone) { return zone.name == "HighMem"; });
  const size_t reserve_column = has_highmem ? column_of_32_bit(mask) : static_cast<size_t>(highest);
  std::vector<ZoneState> states;
  for (const ZoneReport& zone : report.zones) {
    ZoneState& state = states.emplace_back();
    const auto kind = host::zone_kind(zone.name);  // nothing: HighMem
    state.zone = &zone;
    state.allowed_node = node_allowed(report, zone.node);
    state.usable = state.allowed_node && (kind ? static_cast<int>(*kind) <= highest : (mask & kHighmem) != 0);
    state.free_kb =
        zone.kb.get("free") - (mask & kMovable ? 0 : std::min(zone.kb.get("free"), zone.kb.get("free_cma")));
    // __zone_watermark_unusable_free(): ordinary requests may not use the highatomic reserve.
    state.needed_kb = zone.kb.get("min") + zone.kb.get("reserved_highatomic");
    if (!zone.lowmem_reserve.empty()) {
      const size_t at = std::min(reserve_column, zone.lowmem_reserve.size() - 1);
      state.needed_kb += std::min(zone.lowmem_reserve[at], kCountLimit) * report.page_kb;
    }
    for (size_t i = static_cast<size_t>(order); i < zone.free_blocks.size(); ++i)
      state.in_order_kb += std::min(zone.free_blocks[i], kCountLimit) * (report.page_kb << i);
  }
  return states;
}

bool reclaim_searched_all(const OomReport& report) {
  return report.request.order.value_or(0) == 0 && highest_zone(report.request) >= 2 && !has_node_constraint(report);
}

Scores scores_of(const OomReport& report) {
  Scores scores;
  scores.total_pages = total_pages(report, scores.caveat);
  const KernelVersion version = version_of(report).version;
  const bool root_bonus = !holds(host::KernelRule::kNoRootBonus, version);
  bool used_bonus = false;
  for (const TaskRow& task : report.tasks) {
    if (task.oom_score_adj == -1000 || task.tgid == 1) {
      ++scores.unkillable;
      continue;
    }
    int64_t points = task.rss + task.swap_entries + task.table_pages;
    // CAP_SYS_ADMIN gives 3 % less points. The table has uids, not capabilities.
    if (root_bonus && task.uid == 0) {
      points -= points * 3 / 100;
      used_bonus = true;
    }
    points += task.oom_score_adj * (scores.total_pages.value_or(0) / 1000);
    if (!holds(host::KernelRule::kSignedPoints, version)) points = std::max<int64_t>(points, 1);
    scores.most_first.push_back({&task, points});
  }
  std::stable_sort(scores.most_first.begin(), scores.most_first.end(),
                   [](const Score& a, const Score& b) { return a.points > b.points; });
  if (used_bonus)
    scores.caveat += std::string(scores.caveat.empty() ? "" : "; ") +
                     "tasks of uid 0 are taken to have CAP_SYS_ADMIN, which made 3 % less before 4.17";
  return scores;
}

int64_t managed_kb(const OomReport& report) {
  int64_t sum = 0;
  for (const ZoneReport& zone : report.zones) sum += zone.kb.get("managed");
  return sum;
}

int64_t pages_kb(const OomReport& report, std::string_view name) {
  return std::min(report.mem_info.get(name), kCountLimit) * report.page_kb;
}

std::optional<int64_t> unaccounted_kb(const OomReport& report) {
  const auto usable = report.usable_pages();
  if (!usable || !report.mem_info.has("free") || !report.mem_info.has("slab_unreclaimable")) return std::nullopt;
  int64_t known = 0;
  for (const char* name :
       {"active_anon", "inactive_anon", "isolated_anon", "active_file", "inactive_file", "isolated_file", "unevictable",
        "slab_reclaimable", "slab_unreclaimable", "pagetables", "sec_pagetables", "bounce", "free", "free_pcp"})
    known += pages_kb(report, name);
  bool stacks_in_nodes = false;
  for (const NodeReport& node : report.nodes) {
    stacks_in_nodes |= node.kb.has("kernel_stack");
    known += node.kb.get("kernel_stack");
  }
  for (const ZoneReport& zone : report.zones)
    if (!stacks_in_nodes) known += zone.kb.get("kernel_stack");
  for (const HugePages& pages : report.huge_pages) known += pages.total_kb();
  return *usable * report.page_kb - known;
}

}  // namespace oomcast::oomlog
