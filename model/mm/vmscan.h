// Reclaim of a node: how hard it tries, and how it shares its effort among the lists.
//
// Mirrors struct scan_control, prepare_scan_count(), get_scan_count(), shrink_lruvec(), shrink_node() and the throttles
// in mm/vmscan.c of Linux 6.1 with the classic LRU, and of older kernels where they differ (spec/kernel_rules.h).
// Differs: no demotion; before 5.5 each cgroup judged its own lists, here the cgroup that reclaims judges for all below
// it.
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
  host::CgroupIndex target_cgroup = host::kRootCgroup;  // the root: host-wide reclaim
  host::NodeMask nodes = host::kAllNodes;
  host::ZoneKind highest_zone = host::ZoneKind::kMovable;  // reclaim_idx: zones above it are skipped
  bool by_kswapd = false;
  bool may_writepage = true;
  bool may_unmap = true;
  bool may_swap = true;
  bool deactivate_anon = false, deactivate_file = false;  // may_deactivate
  bool force_deactivate = false;
  bool skipped_deactivate = false;
  bool low_reclaim = false, low_skipped = false;  // memcg_low_reclaim, memcg_low_skipped
  bool cache_trim_mode = false;
  bool file_is_tiny = false;
  bool mm_walk = false;  // multi-gen LRU: the reclaimer has a struct lru_gen_mm_walk
  int64_t anon_cost = 0, file_cost = 0;
  int64_t nr_scanned = 0;
  int64_t nr_reclaimed = 0;
  struct {
    int64_t dirty = 0, unqueued_dirty = 0, congested = 0, writeback = 0, immediate = 0, file_taken = 0, taken = 0,
            awaited = 0;
  } nr;
  bool cgroup_reclaim() const { return target_cgroup != host::kRootCgroup; }
};

/// get_scan_count(): pages to scan of each evictable list.
std::array<int64_t, host::kEvictableLists> get_scan_count(const Kernel& k, host::Node& node, host::CgroupIndex cgroup,
                                                          const ScanControl& sc);
/// prepare_scan_count(): sets the deactivation, cache_trim_mode and file_is_tiny flags of `sc`.
void prepare_scan_count(const Kernel& k, host::Node& node, ScanControl& sc);
/// Whether inactive * floor(sqrt(10 * GiB)) < active; pages.
bool inactive_is_low(int64_t inactive, int64_t active);
/// lruvec_page_state(): pages on a list of one cgroup and those below it.
int64_t lru_size(const host::Node& node, host::CgroupIndex cgroup, host::LruKindIndex list);

/// writeback_throttling_sane(): false for the reclaim of a cgroup of v1, whose writers no dirty limit slows down.
bool writeback_is_throttled(const Kernel& k, const ScanControl& sc);
/// shrink_lruvec(): one pass over the lists of one cgroup; adds to sc.nr_reclaimed and sc.nr_scanned.
void shrink_lruvec(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, ScanControl& sc);
/// shrink_node(): one pass over the node; adds to sc.nr_reclaimed and sc.nr_scanned.
void shrink_node(Kernel& k, host::NodeIndex node, ScanControl& sc);
/// kswapd_age_node(): deactivates anonymous pages if the inactive list is low; with the multi-gen LRU
/// lru_gen_age_node().
void kswapd_age_node(Kernel& k, host::NodeIndex node, ScanControl& sc);
/// snapshot_refaults(): remembers the activated refaults, for the next prepare_scan_count().
void snapshot_refaults(host::Node& node, host::CgroupIndex cgroup = host::kRootCgroup);

enum class Throttle : uint8_t { kWriteback, kNoProgress, kCongested };
/// congestion_wait(BLK_RW_ASYNC, HZ/10), before Linux 5.16: sleeps the whole time, since no local disk ends the wait.
void congestion_wait(Kernel& k);
/// reclaim_throttle(): waits for writeback or for progress of other reclaimers.
void reclaim_throttle(Kernel& k, host::NodeIndex node, Throttle reason);

}  // namespace oomcast::mm
