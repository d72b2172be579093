// Direct reclaim. See direct_reclaim.h; kernel-spec section 2.5.
#include "model/mm/direct_reclaim.h"

#include <algorithm>

#include "model/mm/soft_limit.h"
#include "model/mm/vmscan.h"

namespace oomcast::mm {

using host::Node;
using host::Vmstat;
using host::Zone;
using host::ZoneKind;

namespace {

// The first zone that the request may use, for the report.
ZoneRef first_zone(const Kernel& k, const Gfp& gfp, host::NodeIndex preferred) {
  const Node& node = k.host.nodes[preferred];
  for (const ZoneKind z : host::zones_down_from(gfp.highest_zone)) {
    if (node.zones[z].managed > 0) return {preferred, z};
  }
  return {preferred, ZoneKind::kDma};
}

// True: the task was killed while it waited.
bool throttle_direct_reclaim(Kernel& k, host::NodeIndex preferred) {
  if (k.sched.current().dying || allow_direct_reclaim(k, preferred)) return false;
  k.host.count(Vmstat::pgscan_direct_throttle);
  const Nanoseconds begin = stall_enter(k);
  k.sched.point();
  while (!k.sched.current().dying && !allow_direct_reclaim(k, preferred)) {
    k.sched.wait(k.kswapd[preferred].pfmemalloc_wait, kForever);
  }
  stall_leave(k, begin, Stalled::kThrottled);
  return k.sched.current().dying;
}

void consider_throttle(Kernel& k, host::NodeIndex node, const ScanControl& sc) {
  if (sc.nr_reclaimed > (sc.nr_scanned >> 3)) {
    k.sched.wake_all(k.kswapd[node].noprogress_wait);
    return;
  }
  if (sc.priority == 1 && sc.nr_reclaimed == 0) reclaim_throttle(k, node, Throttle::kNoProgress);
}

void shrink_zones(Kernel& k, host::NodeIndex preferred, ScanControl& sc) {
  host::NodeIndex first = host::kNoNode;
  for (const host::NodeIndex node : k.host.zonelists[preferred]) {
    if (!host::mask_has(sc.nodes, node.value())) continue;
    if (first == host::kNoNode) first = node;
    if (!sc.cgroup_reclaim()) soft_limit_reclaim(k, node, sc);
    shrink_node(k, node, sc);
  }
  if (!sc.cgroup_reclaim() && first != host::kNoNode) consider_throttle(k, first, sc);
}

// The loop of do_try_to_free_pages() over the priorities 12 down to 0, until enough is reclaimed.
void shrink_harder_and_harder(Kernel& k, host::NodeIndex preferred, ScanControl& sc) {
  sc.priority = kDefPriority;
  do {
    sc.nr_scanned = 0;
    shrink_zones(k, preferred, sc);
    if (sc.nr_reclaimed >= sc.nr_to_reclaim || k.sched.current().dying) break;
    if (sc.priority < kDefPriority - 2) sc.may_writepage = true;
  } while (--sc.priority >= 0);
  for (const host::NodeIndex node_index : k.host.zonelists[preferred]) {
    if (!host::mask_has(sc.nodes, node_index.value())) continue;
    Node& node = k.host.nodes[node_index];
    snapshot_refaults(node, sc.target_cgroup);
    if (sc.cgroup_reclaim()) node.lruvec(sc.target_cgroup).congested = false;
  }
}

int64_t do_try_to_free_pages(Kernel& k, ZoneKind zone, host::NodeIndex preferred, ScanControl& sc) {
  bool full_walk = false;
  while (true) {
    if (!sc.cgroup_reclaim()) k.host.count(host::by_zone(Vmstat::allocstall_dma, zone));
    shrink_harder_and_harder(k, preferred, sc);
    if (sc.nr_reclaimed > 0 || k.sched.current().dying) return sc.nr_reclaimed;
    // The cgroups were walked partially (memcg_full_walk): once more in full.
    if (k.follows(host::KernelRule::kPartialCgroupWalk) && !full_walk) {
      full_walk = true;
      continue;
    }
    // Active pages were spared: once more with force_deactivate.
    if (sc.skipped_deactivate && k.follows(host::KernelRule::kSecondRound)) {
      sc.force_deactivate = true;
      sc.skipped_deactivate = false;
      continue;
    }
    // Cgroups below memory.low were skipped: once more without that protection.
    if (!sc.low_skipped) return 0;
    sc.low_reclaim = true;
    sc.low_skipped = false;
  }
}

}  // namespace

bool allow_direct_reclaim(Kernel& k, host::NodeIndex node_index) {
  const Node& node = k.host.nodes[node_index];
  if (node.kswapd_failures >= 16) return true;
  int64_t reserve = 0, free = 0;
  for (const ZoneKind z : host::zones_up_to(ZoneKind::kNormal)) {
    const Zone& zone = node.zones[z];
    if (zone.managed == 0 || zone_reclaimable_pages(k, node, z) == 0) continue;
    reserve += zone.min_mark();
    free += zone.free;
  }
  if (reserve == 0 || free > reserve / 2) return true;
  KswapdState& state = k.kswapd[node_index];
  if (state.wait.active()) {
    if (!state.highest_zone || *state.highest_zone > ZoneKind::kNormal) state.highest_zone = ZoneKind::kNormal;
    k.sched.wake_all(state.wait);
  }
  return false;
}

int64_t try_to_free_pages(Kernel& k, const Gfp& gfp, host::NodeIndex preferred_node) {
  Actor& actor = k.sched.current();
  const host::NodeIndex preferred = first_allowed_node(k, gfp, preferred_node);
  const Nanoseconds begin = stall_enter(k);
  k.listener.on_direct_reclaim(first_zone(k, gfp, preferred));
  k.sched.memstall_enter();
  int64_t reclaimed = 1;
  if (!throttle_direct_reclaim(k, preferred)) {
    ScanControl sc;
    sc.highest_zone = gfp.highest_zone;
    sc.nodes = gfp.nodes;
    actor.memalloc = true;
    reclaimed = do_try_to_free_pages(k, gfp.highest_zone, preferred_node, sc);
    actor.memalloc = false;
  }
  k.sched.point();
  k.sched.memstall_leave();
  stall_leave(k, begin, Stalled::kDirectReclaim);
  return reclaimed;
}

int64_t try_to_free_cgroup_pages(Kernel& k, host::CgroupIndex cgroup, int64_t pages, MaySwap may_swap) {
  Actor& actor = k.sched.current();
  const Nanoseconds begin = stall_enter(k);
  const bool was_memalloc = actor.memalloc;
  ScanControl sc;
  sc.target_cgroup = cgroup;
  sc.nr_to_reclaim = std::max(pages, kSwapClusterMax);
  sc.may_swap = may_swap == MaySwap::kYes;
  k.sched.memstall_enter();
  actor.memalloc = true;
  const int64_t reclaimed = do_try_to_free_pages(k, ZoneKind::kMovable, actor.node, sc);
  actor.memalloc = was_memalloc;
  k.sched.point();
  k.sched.memstall_leave();
  stall_leave(k, begin, Stalled::kDirectReclaim);
  return reclaimed;
}

}  // namespace oomcast::mm
