// get_scan_count(): balances the scan between anonymous and file pages; kernel-spec sections 4.4 to 4.6.
#include <algorithm>

#include "model/mm/memcg.h"
#include "model/mm/page_alloc.h"
#include "model/mm/reclaim_stat.h"
#include "model/mm/vmscan.h"

namespace oomcast::mm {

using host::LruKindIndex;
using host::Lruvec;
using host::Node;

namespace {

int64_t integer_sqrt(int64_t value) {
  int64_t root = 0;
  while ((root + 1) * (root + 1) <= value) ++root;
  return root;
}

enum class Balance : uint8_t { kEqual, kFract, kAnon, kFile };

Balance scan_balance(const Kernel& k, host::CgroupIndex cgroup, const ScanControl& sc) {
  if (!sc.may_swap || !can_reclaim_anon(k, cgroup)) return Balance::kFile;
  const int64_t swappiness = swappiness_of(k.host, cgroup);
  if (sc.cgroup_reclaim() && swappiness == 0) return Balance::kFile;
  if (sc.priority == 0 && swappiness > 0) return Balance::kEqual;
  if (sc.file_is_tiny) return Balance::kAnon;
  if (sc.cache_trim_mode) return Balance::kFile;
  return Balance::kFract;
}

// The share of each type, by the cost of its reclaim; before Linux 5.8 by what was found in use.
ScanFractions scan_fractions(const Kernel& k, Lruvec& lruvec, int64_t swappiness, const ScanControl& sc) {
  if (!k.follows(host::KernelRule::kRefaultCosts)) return rotation_fractions(lruvec, swappiness);
  const int64_t sum = sc.anon_cost + sc.file_cost;
  const int64_t anon_cost = sum + sc.anon_cost, file_cost = sum + sc.file_cost, total = anon_cost + file_cost;
  const int64_t anon = swappiness * (total + 1) / (anon_cost + 1);
  const int64_t file = (200 - swappiness) * (total + 1) / (file_cost + 1);
  return {{anon, file}, anon + file};
}

}  // namespace

int64_t lru_size(const Node& node, host::CgroupIndex cgroup, LruKindIndex list) { return node.size(list, cgroup); }

bool inactive_is_low(int64_t inactive, int64_t active) {
  const int64_t gib = (inactive + active) >> (30 - kPageShift);
  const int64_t ratio = gib > 0 ? integer_sqrt(10 * gib) : 1;
  return inactive * ratio < active;
}

void prepare_scan_count(const Kernel& k, Node& node, ScanControl& sc) {
  (void)k;
  const Lruvec& target = node.lruvec(sc.target_cgroup);
  const auto size = [&](LruKindIndex list) { return lru_size(node, sc.target_cgroup, list); };
  sc.anon_cost = target.anon_cost;
  sc.file_cost = target.file_cost;
  // Activated refaults show that a new working set is forming: stale active pages should be deactivated.
  const int64_t inactive_anon = size(LruKindIndex::kInactiveAnon), inactive_file = size(LruKindIndex::kInactiveFile);
  sc.deactivate_anon = sc.force_deactivate || target.workingset_activate[0] != target.refaults_snapshot[0] ||
                       inactive_is_low(inactive_anon, size(LruKindIndex::kActiveAnon));
  sc.deactivate_file = sc.force_deactivate || target.workingset_activate[1] != target.refaults_snapshot[1] ||
                       inactive_is_low(inactive_file, size(LruKindIndex::kActiveFile));
  sc.cache_trim_mode = (inactive_file >> sc.priority) > 0 && !sc.deactivate_file;
  if (sc.cgroup_reclaim()) return;
  int64_t high_total = 0;
  for (const host::Zone& zone : node.zones) high_total += zone.managed > 0 ? zone.high_mark() : 0;
  const int64_t file = inactive_file + size(LruKindIndex::kActiveFile);
  sc.file_is_tiny = file + node.free() <= high_total && !sc.deactivate_anon && (inactive_anon >> sc.priority) > 0;
}

std::array<int64_t, host::kEvictableLists> get_scan_count(const Kernel& k, Node& node, host::CgroupIndex cgroup,
                                                          const ScanControl& sc) {
  const Balance balance = scan_balance(k, cgroup, sc);
  ScanFractions fractions{};
  if (balance == Balance::kFract) fractions = scan_fractions(k, node.lruvec(cgroup), swappiness_of(k.host, cgroup), sc);
  std::array<int64_t, host::kEvictableLists> nr{};
  for (size_t i = 0; i < nr.size(); ++i) {
    const bool file = host::is_file_list(static_cast<LruKindIndex>(i));
    int64_t scan = node.lruvec(cgroup).lists[static_cast<LruKindIndex>(i)].size_up_to(sc.highest_zone);
    if (cgroup != sc.target_cgroup) scan = unprotected(k.host, cgroup, sc, scan);
    scan >>= sc.priority;
    switch (balance) {
      case Balance::kEqual:
        break;
      case Balance::kFract:
        scan = scan * fractions.of_type[file] / fractions.denominator;
        break;
      case Balance::kAnon:
        scan = file ? 0 : scan;
        break;
      case Balance::kFile:
        scan = file ? scan : 0;
        break;
    }
    nr[i] = scan;
  }
  return nr;
}

}  // namespace oomcast::mm
