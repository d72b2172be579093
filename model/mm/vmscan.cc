// One pass of reclaim over a node: shrink_node() and shrink_lruvec(); kernel-spec sections 4.7 and 2.5.
#include "model/mm/vmscan.h"

#include <algorithm>

#include "model/mm/deferred_split.h"
#include "model/mm/lru_gen.h"
#include "model/mm/memcg.h"
#include "model/mm/page_alloc.h"
#include "model/mm/shrink_lists.h"
#include "model/mm/shrinker.h"
#include "model/mm/swap.h"
#include "model/mm/workingset.h"
#include "model/mm/zswap.h"

namespace oomcast::mm {

using host::LruKindIndex;
using host::Node;
using host::Vmstat;

namespace {

using ScanPlan = std::array<int64_t, host::kEvictableLists>;
constexpr size_t kInactiveAnon = 0, kActiveAnon = 1, kInactiveFile = 2, kActiveFile = 3;

int64_t shrink_list(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, size_t list, int64_t nr_to_scan,
                    ScanControl& sc) {
  if (list == kActiveAnon || list == kActiveFile) {
    const bool file = list == kActiveFile;
    if (file ? sc.deactivate_file : sc.deactivate_anon) {
      shrink_active_list(k, node, cgroup, nr_to_scan, file, sc);
    } else {
      sc.skipped_deactivate = true;
    }
    return 0;
  }
  return shrink_inactive_list(k, node, cgroup, nr_to_scan, list == kInactiveFile, sc);
}

// Enough was reclaimed: stops the type with fewer pages left to scan, and cuts the other one in proportion.
void cut_plan(ScanPlan& nr, const ScanPlan& targets, int64_t nr_file, int64_t nr_anon) {
  const bool stop_anon = nr_file > nr_anon;
  const size_t stopped = stop_anon ? kInactiveAnon : kInactiveFile;
  const size_t kept = stop_anon ? kInactiveFile : kInactiveAnon;
  const int64_t scan_target = targets[stopped] + targets[stopped + 1] + 1;
  const int64_t percentage = (stop_anon ? nr_anon : nr_file) * 100 / scan_target;
  nr[stopped] = nr[stopped + 1] = 0;
  for (size_t list = kept; list <= kept + 1; ++list) {
    const int64_t scanned = targets[list] - nr[list];
    nr[list] = targets[list] * (100 - percentage) / 100;
    nr[list] -= std::min(nr[list], scanned);
  }
}

}  // namespace

void shrink_lruvec(Kernel& k, host::NodeIndex node_index, host::CgroupIndex cgroup, ScanControl& sc) {
  Node& node = k.host.nodes[node_index];
  ScanPlan nr = get_scan_count(k, node, cgroup, sc);
  const ScanPlan targets = nr;
  bool whole_plan = !sc.cgroup_reclaim() && !sc.by_kswapd && sc.priority == kDefPriority;  // proportional_reclaim
  int64_t reclaimed = 0;
  SwapPlug plug(k);
  while (nr[kInactiveAnon] > 0 || nr[kActiveFile] > 0 || nr[kInactiveFile] > 0) {
    for (size_t list = 0; list < nr.size(); ++list) {
      if (nr[list] <= 0) continue;
      const int64_t batch = std::min(nr[list], kSwapClusterMax);
      nr[list] -= batch;
      reclaimed += shrink_list(k, node_index, cgroup, list, batch, sc);
    }
    plug.throttle();
    k.sched.point();
    if (reclaimed < sc.nr_to_reclaim || whole_plan) continue;
    const int64_t nr_file = nr[kInactiveFile] + nr[kActiveFile];
    const int64_t nr_anon = nr[kInactiveAnon] + nr[kActiveAnon];
    if (nr_file == 0 || nr_anon == 0) break;
    cut_plan(nr, targets, nr_file, nr_anon);
    if (!k.follows(host::KernelRule::kPlanCutShort)) whole_plan = true;  // scan_adjusted
  }
  plug.flush();
  sc.nr_reclaimed += reclaimed;
  const host::Lruvec& lruvec = node.lruvec(cgroup);
  const int64_t inactive = lru_size(node, cgroup, LruKindIndex::kInactiveAnon),
                active = lru_size(node, cgroup, LruKindIndex::kActiveAnon);
  if (k.host.total_swap > 0 && inactive_is_low(inactive, active) && lruvec.list(LruKindIndex::kActiveAnon).size() > 0) {
    shrink_active_list(k, node_index, cgroup, kSwapClusterMax, false, sc);
  }
}

namespace {

// skip_throttle_noprogress(): true after 16 failures of kswapd, or while little is under writeback.
bool waiting_is_useless(const Kernel& k, const Node& node) {
  if (node.kswapd_failures >= 16) return true;
  int64_t reclaimable = 0, pending = 0;
  for (const host::ZoneKind z : host::kZonesAscending) {
    const host::Zone& zone = node.zones[z];
    if (zone.managed == 0) continue;
    reclaimable += zone_reclaimable_pages(k, node, z);
    pending += zone.write_pending;
  }
  return 2 * pending <= reclaimable;
}

// The part of shrink_node() that throttles. The pages met in this pass show whether reclaim is faster than the disk.
// Then kswapd marks the node, and it waits once it meets pages that are under writeback again (nr.immediate).
void note_writeback_pressure(Kernel& k, host::NodeIndex node_index, ScanControl& sc) {
  Node& node = k.host.nodes[node_index];
  if (sc.by_kswapd) {
    if (sc.nr.writeback > 0 && sc.nr.writeback == sc.nr.taken) node.pgdat_writeback = true;
    if (sc.nr.unqueued_dirty == sc.nr.file_taken) node.pgdat_dirty = true;
    if (sc.nr.immediate > 0) reclaim_throttle(k, node_index, Throttle::kWriteback);
  }
  host::Lruvec& target = node.lruvec(sc.target_cgroup);
  if ((sc.by_kswapd || (sc.cgroup_reclaim() && writeback_is_throttled(k, sc))) && sc.nr.dirty > 0 &&
      sc.nr.dirty == sc.nr.congested)
    target.congested = true;
  if (!sc.by_kswapd && target.congested) {
    reclaim_throttle(k, node_index, Throttle::kCongested);
  }
}

// Before Linux 5.16 kswapd calls congestion_wait(). Other tasks call wait_iff_congested(), which does not wait, as no
// local disk reports congestion since Linux 5.0.
void throttle_by_congestion(Kernel& k, Throttle reason) {
  if (reason == Throttle::kWriteback)
    congestion_wait(k);
  else
    k.sched.point();
}

}  // namespace

bool writeback_is_throttled(const Kernel& k, const ScanControl& sc) {
  return !sc.cgroup_reclaim() || !k.host.cgroups[sc.target_cgroup].v1;
}

void congestion_wait(Kernel& k) {
  const Nanoseconds begin = stall_enter(k);
  k.sched.sleep(Nanoseconds(100'000'000));  // HZ/10
  stall_leave(k, begin, Stalled::kThrottled);
}

void reclaim_throttle(Kernel& k, host::NodeIndex node_index, Throttle reason) {
  if (!k.follows(host::KernelRule::kReclaimThrottle)) return throttle_by_congestion(k, reason);
  Node& node = k.host.nodes[node_index];
  KswapdState& state = k.kswapd[node_index];
  if (reason != Throttle::kWriteback && waiting_is_useless(k, node)) {
    k.sched.point();
    return;
  }
  const Nanoseconds begin = stall_enter(k);
  if (reason == Throttle::kWriteback) {
    if (++node.writeback_throttled == 1) node.reclaim_start = node.throttled_written;
    k.sched.wait(state.writeback_wait, Nanoseconds(100'000'000));
    --node.writeback_throttled;
  } else {
    k.sched.wait(state.noprogress_wait, kTick);
  }
  stall_leave(k, begin, Stalled::kThrottled);
}

void kswapd_age_node(Kernel& k, host::NodeIndex node_index, ScanControl& sc) {
  if (lru_gen_enabled(k)) return lru_gen_age_node(k, node_index, sc);
  Node& node = k.host.nodes[node_index];
  if (k.host.total_swap == 0 ||
      !inactive_is_low(node.size(LruKindIndex::kInactiveAnon), node.size(LruKindIndex::kActiveAnon)))
    return;
  for (const host::CgroupIndex cgroup : node.lruvecs.indices()) {
    shrink_active_list(k, node_index, cgroup, kSwapClusterMax, false, sc);
  }
}

void snapshot_refaults(Node& node, host::CgroupIndex cgroup) {
  node.lruvec(cgroup).refaults_snapshot = node.lruvec(cgroup).workingset_activate;
}

void shrink_node(Kernel& k, host::NodeIndex node_index, ScanControl& sc) {
  Node& node = k.host.nodes[node_index];
  sc.nr = {};
  if (lru_gen_enabled(k) && !sc.cgroup_reclaim()) return lru_gen_shrink_node(k, node_index, sc);
  const int64_t reclaimed_before = sc.nr_reclaimed;
  if (!lru_gen_enabled(k)) prepare_scan_count(k, node, sc);
  if (sc.cgroup_reclaim()) k.sched.cpu(k.costs.group_pass);
  k.sched.cpu(k.costs.shrink_pass);
  int64_t freed_slab = 0;
  for (const host::CgroupIndex cgroup : node.lruvecs.indices()) {
    if (!node.within(cgroup, sc.target_cgroup)) continue;
    if (!may_reclaim_from(k, cgroup, sc)) continue;
    if (lru_gen_enabled(k))
      lru_gen_shrink_lruvec(k, node_index, cgroup, sc);
    else
      shrink_lruvec(k, node_index, cgroup, sc);
    if (cgroup == host::kRootCgroup) freed_slab += shrink_slab(k, node_index, sc.priority);
    freed_slab += shrink_shadow_nodes(k, node_index, cgroup, sc.priority);
    zswap_shrink(k, node_index, cgroup, sc.priority);
    shrink_deferred_splits(k, node_index, cgroup, sc.priority);  // no slab comes free: not counted as progress
  }
  sc.nr_reclaimed += freed_slab;  // counted after the pass, and not in pgsteal
  if (!lru_gen_enabled(k)) note_writeback_pressure(k, node_index, sc);
  if (sc.nr_reclaimed > reclaimed_before) node.kswapd_failures = 0;
}

}  // namespace oomcast::mm
