// Computes what follows from an OOM report. See facts.h.
#include "report/oomlog/facts.h"

#include <algorithm>

#include "model/spec/field_names.h"
#include "model/spec/kernel_rules.h"
#include "model/spec/parse_text.h"

namespace oomcast::oomlog {
namespace {

using host::KernelVersion;

bool holds_column(const OomReport& report, const char* name) {
  return std::find(report.task_columns.begin(), report.task_columns.end(), name) != report.task_columns.end();
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
    if (node_allowed(report, zone.node)) present += (policy ? zone.kb.get("present") : managed_kb(zone)) / page_kb;
  if (present == 0) return std::nullopt;
  return present + swap;
}

}  // namespace

Version version_of(const OomReport& report) {
  if (const auto version = host::kernel_version(report.kernel_release)) return {*version, ""};
  if (holds_column(report, "rss_anon")) return {KernelVersion{6, 12}, "the column rss_anon in the table of tasks"};
  for (const ZoneReport& zone : report.zones)
    if (zone.kb.has("boost")) return {KernelVersion{6, 1}, "the word boost in the lines of the zones"};
  if (holds_column(report, "nr_pmds")) return {KernelVersion{4, 4}, "the column nr_pmds in the table of tasks"};
  if (holds_column(report, "nr_ptes")) return {KernelVersion{3, 10}, "the column nr_ptes in the table of tasks"};
  if (holds_column(report, "oom_adj")) return {KernelVersion{3, 10}, "the column oom_adj in the table of tasks"};
  if (!report.zones.empty() && !report.zones.front().kb.has("managed"))
    return {KernelVersion{3, 10}, "the lines of the zones, which lack managed:"};
  if (report.chosen) return {KernelVersion{4, 18}, "the words 'Kill process'"};
  if (!report.constraint.empty()) return {KernelVersion{5, 4}, "the line oom-kill: and the form of the zones"};
  return {KernelVersion{6, 1}, "no sign in the log, as the newest of the older rules"};
}

bool reclaim_searched_all(const OomReport& report) {
  return report.request.order.value_or(0) == 0 && !for_low_zone(report) && !only_programs_had_room(report) &&
         !has_node_constraint(report) && !report.memcg;
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

int64_t pages_kb(const OomReport& report, std::string_view name) {
  return std::min(report.mem_info.get(name), kCountLimit) * report.page_kb;
}

int64_t kernel_stacks_kb(const OomReport& report) {
  int64_t of_nodes = 0, of_zones = 0;  // before 5.9 a counter of zones
  for (const NodeReport& node : report.nodes) of_nodes += node.kb.get("kernel_stack");
  for (const ZoneReport& zone : report.zones) of_zones += zone.kb.get("kernel_stack");
  return of_nodes > 0 ? of_nodes : of_zones;
}

bool limit_of_both(const OomReport& report) {
  if (!report.memcg || !report.memcg->memory || !report.memcg->memory_and_swap) return false;
  constexpr int64_t kBatchKb = 1024;  // a group is charged in batches
  const Charge &memory = *report.memcg->memory, &both = *report.memcg->memory_and_swap;
  return !both.unlimited() && both.usage_kb + kBatchKb > both.limit_kb &&
         (memory.unlimited() || memory.usage_kb + kBatchKb < memory.limit_kb);
}

int64_t balloon_kb(const OomReport& report) {
  int64_t sum = 0;
  for (const NodeReport& node : report.nodes) sum += node.kb.get("Balloon");
  return sum;
}

int64_t zspages_kb(const OomReport& report) {
  int64_t sum = 0;
  for (const ZoneReport& zone : report.zones) sum += zone.kb.get("zspages");
  return sum;
}

std::optional<int64_t> unaccounted_kb(const OomReport& report) {
  const auto usable = report.usable_pages();
  if (!usable || !report.mem_info.has("free") || !report.mem_info.has("slab_unreclaimable")) return std::nullopt;
  int64_t known = 0;
  for (const char* name :
       {"active_anon", "inactive_anon", "isolated_anon", "active_file", "inactive_file", "isolated_file", "unevictable",
        "slab_reclaimable", "slab_unreclaimable", "pagetables", "sec_pagetables", "bounce", "free", "free_pcp"})
    known += pages_kb(report, name);
  known += kernel_stacks_kb(report);
  for (const HugePages& pages : report.huge_pages) known += pages.total_kb();
  known += pages_kb(report, "kernel_misc_reclaimable") + balloon_kb(report) + zspages_kb(report);
  return *usable * report.page_kb - known;
}

}  // namespace oomcast::oomlog
