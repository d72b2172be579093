// Says how hard reclaim tries, and shares its effort among the lists. One pass over a node.
//
// Mirrors struct scan_control, prepare_scan_count(), get_scan_count(), shrink_lruvec(), shrink_node() and the throttles
// in mm/vmscan.c of Linux 6.1 with the classic LRU, and what older kernels did instead (spec/kernel_rules.h). Differs:
// no demotion; before 5.5 each group judged its own lists, here the group that reclaims does so for all below it.
#pragma once

#include <array>
#include <cstdint>

#include "model/mm/kernel.h"

namespace oomcast::mm {

inline constexpr int kDefPriority = 12;         // DEF_PRIORITY
inline constexpr int64_t kSwapClusterMax = 32;  // SWAP_CLUSTER_MAX

/// struct scan_control.
struct ScanControl {
  int64_t nr_to_reclaim = kSwapClusterMax;
  int priority = kDefPriority;
  host::CgroupIndex target_cgroup = host::kRootCgroup;  // the root: the whole host
  host::NodeMask nodes = host::kAllNodes;
  host::ZoneKind highest_zone = host::ZoneKind::kMovable;  // reclaim_idx: zones above it are skipped
  bool by_kswapd = false;
  bool may_writepage = true;
  bool may_unmap = true;
  bool may_swap = true;
  bool deactivate_anon = false, deactivate_file = false;  // may_deactivate
  bool force_deactivate = false;
  bool skipped_deactivate = false;
  bool low_reclaim = false, low_skipped = false;  // memory.low: overridden, or groups were left out for it
  bool cache_trim_mode = false;
  bool file_is_tiny = false;
  bool mm_walk = false;  // multi-gen LRU: the reclaimer has a walk at hand (reclaim_state->mm_walk)
  int64_t anon_cost = 0, file_cost = 0;
  int64_t nr_scanned = 0;
  int64_t nr_reclaimed = 0;
  struct {
    int64_t dirty = 0, unqueued_dirty = 0, congested = 0, writeback = 0, immediate = 0, file_taken = 0, taken = 0;
  } nr;
  bool cgroup_reclaim() const { return target_cgroup != host::kRootCgroup; }
};

/// Pages to scan of each evictable list (get_scan_count).
std::array<int64_t, host::kEvictableLists> get_scan_count(const Kernel& k, host::Node& node, host::CgroupIndex cgroup,
                                                          const ScanControl& sc);
void prepare_scan_count(const Kernel& k, host::Node& node, ScanControl& sc);
/// inactive * floor(sqrt(10 * GiB)) < active.
bool inactive_is_low(int64_t inactive, int64_t active);
/// Pages on a list of one cgroup and those below it (lruvec_page_state).
int64_t lru_size(const host::Node& node, host::CgroupIndex cgroup, host::LruKindIndex list);

void shrink_node(Kernel& k, host::NodeIndex node, ScanControl& sc);
/// Keeps the active anonymous list from growing while there is swap; with the multi-gen LRU, chooses where to begin.
void kswapd_age_node(Kernel& k, host::NodeIndex node, ScanControl& sc);
void snapshot_refaults(host::Node& node, host::CgroupIndex cgroup = host::kRootCgroup);

enum class Throttle : uint8_t { kWriteback, kNoProgress, kCongested };
/// congestion_wait(BLK_RW_ASYNC, HZ/10), before Linux 5.16: sleeps the whole time, since no local disk ends the wait.
void congestion_wait(Kernel& k);
void reclaim_throttle(Kernel& k, host::NodeIndex node, Throttle reason);

}  // namespace oomcast::mm
