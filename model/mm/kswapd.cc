// Runs background reclaim. See kswapd.h; kernel-spec section 3.
#include "model/mm/kswapd.h"

#include <algorithm>

#include "model/mm/direct_reclaim.h"
#include "model/mm/shrink_lists.h"
#include "model/mm/soft_limit.h"
#include "model/mm/vmscan.h"

namespace oomcast::mm {

using host::Node;
using host::Vmstat;
using host::Zone;
using host::ZoneKind;

namespace {

constexpr int kMaxFailures = 16;
constexpr Nanoseconds kNap{100'000'000};  // HZ/10
constexpr uint64_t kLateOneIn = 8;

bool watermark_boosted(const Node& node, ZoneKind highest_zone) {
  for (const ZoneKind z : host::zones_up_to(highest_zone)) {
    if (node.zones[z].boost > 0) return true;
  }
  return false;
}

// prepare_kswapd_sleep().
bool may_sleep(Kernel& k, host::NodeIndex node_index, ZoneKind highest_zone) {
  Node& node = k.host.nodes[node_index];
  k.sched.wake_all(k.kswapd[node_index].pfmemalloc_wait);
  if (node.kswapd_failures >= kMaxFailures) return true;
  if (!pgdat_balanced(node, highest_zone)) return false;
  node.lruvec(host::kRootCgroup).congested = false;
  node.pgdat_dirty = false;
  node.pgdat_writeback = false;
  return true;
}

// The time between kswapd's wake-up and its first run. Now and then another task has the CPU first. On every recorded
// host these delays were enough for a steady writer to reach the min mark a few times in a run.
void come_late(Kernel& k) {
  k.sched.cpu(k.costs.wake_latency);
  k.sched.point();
  if (k.random.below(kLateOneIn) == 0)
    k.sched.sleep(
        Nanoseconds(static_cast<int64_t>(k.random.below(static_cast<uint64_t>(k.costs.late_wake_max.count()) + 1))));
}

// kswapd_try_to_sleep(): naps for HZ/10, then sleeps until a wake-up if the nap was not cut short and the node is still
// balanced. Differs: no wakeup_kcompactd(), no set_pgdat_percpu_threshold(), and after a wake-up the thread comes late.
void try_to_sleep(Kernel& k, host::NodeIndex node_index, ZoneKind highest_zone) {
  KswapdState& state = k.kswapd[node_index];
  Nanoseconds remaining{0};
  k.sched.point();  // before the check: between the check and the wait a wake-up would be missed
  if (may_sleep(k, node_index, highest_zone)) {
    remaining = k.sched.wait(state.wait, kNap);
    if (remaining.count() > 0) come_late(k);
    if (remaining.count() > 0) state.highest_zone = state.highest_zone.value_or(highest_zone);
  }
  if (remaining.count() == 0 && may_sleep(k, node_index, highest_zone)) {
    k.sched.wait(state.wait, kForever);
    come_late(k);
  } else {
    k.host.count(remaining.count() > 0 ? Vmstat::kswapd_low_wmark_hit_quickly : Vmstat::kswapd_high_wmark_hit_quickly);
  }
}

// kswapd_shrink_node(): one pass over the node. True if it scanned as many pages as it was to reclaim.
bool shrink_node_once(Kernel& k, host::NodeIndex node_index, ScanControl& sc) {
  const Node& node = k.host.nodes[node_index];
  sc.nr_to_reclaim = 0;
  for (const ZoneKind z : host::zones_up_to(sc.highest_zone)) {
    const Zone& zone = node.zones[z];
    if (zone.managed > 0) sc.nr_to_reclaim += std::max(zone.high_mark(), kSwapClusterMax);
  }
  shrink_node(k, node_index, sc);
  return sc.nr_scanned >= sc.nr_to_reclaim;
}

void set_reclaim_active(Node& node, ZoneKind highest_zone, bool active) {
  for (const ZoneKind z : host::zones_up_to(highest_zone)) node.zones[z].reclaim_active = active;
}

// The loop of balance_pgdat(), up to its label `out`. False if nothing was reclaimed by then.
bool reclaim_until_balanced(Kernel& k, host::NodeIndex node_index, ZoneKind highest_zone, int64_t boost_left) {
  Node& node = k.host.nodes[node_index];
  ScanControl sc;
  sc.by_kswapd = true;
  sc.highest_zone = highest_zone;
  while (sc.priority >= 1) {
    const int64_t reclaimed_before = sc.nr_reclaimed;
    const bool balanced = pgdat_balanced(node, highest_zone);
    if (!balanced && boost_left > 0) {
      // The node is short of memory: boosting ends, and reclaim starts again with writing and swapping allowed.
      boost_left = 0;
      sc.priority = kDefPriority;
      continue;
    }
    if (balanced && boost_left == 0) return true;
    bool raise_priority = !(boost_left > 0 && sc.priority == kDefPriority - 2);
    sc.may_writepage = boost_left == 0 || sc.priority < kDefPriority - 2;
    sc.may_swap = boost_left == 0;
    kswapd_age_node(k, node_index, sc);
    sc.nr_scanned = 0;
    soft_limit_reclaim(k, node_index, sc);
    if (shrink_node_once(k, node_index, sc)) raise_priority = false;
    KswapdState& state = k.kswapd[node_index];
    if (state.pfmemalloc_wait.active() && allow_direct_reclaim(k, node_index)) k.sched.wake_all(state.pfmemalloc_wait);
    const int64_t reclaimed = sc.nr_reclaimed - reclaimed_before;
    boost_left -= std::min(boost_left, reclaimed);
    if (boost_left > 0 && reclaimed == 0) break;
    if (raise_priority || reclaimed == 0) --sc.priority;
  }
  return sc.nr_reclaimed > 0;
}

void balance_pgdat(Kernel& k, host::NodeIndex node_index, ZoneKind highest_zone) {
  Node& node = k.host.nodes[node_index];
  k.host.count(Vmstat::pageoutrun);
  k.listener.on_kswapd_run(node_index);
  k.sched.memstall_enter();
  host::ByZone<int64_t> boosts{};
  int64_t boost_total = 0;
  for (const ZoneKind z : host::zones_up_to(highest_zone)) {
    boosts[z] = node.zones[z].boost;
    boost_total += boosts[z];
  }
  set_reclaim_active(node, highest_zone, true);
  if (!reclaim_until_balanced(k, node_index, highest_zone, boost_total)) ++node.kswapd_failures;
  set_reclaim_active(node, highest_zone, false);
  for (const ZoneKind z : boosts.indices()) node.zones[z].boost -= std::min(node.zones[z].boost, boosts[z]);
  snapshot_refaults(node);
  k.sched.memstall_leave();
}

}  // namespace

bool pgdat_balanced(const Node& node, ZoneKind highest_zone) {
  bool managed = false;
  for (const ZoneKind z : host::zones_up_to(highest_zone)) {
    const Zone& zone = node.zones[z];
    if (zone.managed == 0) continue;
    managed = true;
    if (watermark_ok(zone, zone.high_mark(), highest_zone, zone.free)) return true;
  }
  return !managed;
}

void wakeup_kswapd(Kernel& k, host::NodeIndex node_index, ZoneKind highest_zone) {
  Node& node = k.host.nodes[node_index];
  KswapdState& state = k.kswapd[node_index];
  if (state.highest_zone < highest_zone) state.highest_zone = highest_zone;  // an empty optional is less than any zone
  if (!state.wait.active()) return;
  if (node.kswapd_failures >= kMaxFailures) return;
  if (pgdat_balanced(node, highest_zone) && !watermark_boosted(node, highest_zone)) return;
  k.sched.wake_all(state.wait);
}

void wake_all_kswapds(Kernel& k, const Gfp& gfp, host::NodeIndex preferred_node) {
  for (const host::NodeIndex node : k.host.zonelists[preferred_node]) {
    if (gfp.allows(node)) wakeup_kswapd(k, node, gfp.highest_zone);
  }
}

void kswapd_main(Kernel& k, host::NodeIndex node_index) {
  KswapdState& state = k.kswapd[node_index];
  ZoneKind highest_zone = ZoneKind::kDevice;
  while (true) {
    highest_zone = state.highest_zone.value_or(highest_zone);
    try_to_sleep(k, node_index, highest_zone);
    highest_zone = state.highest_zone.value_or(highest_zone);
    state.highest_zone.reset();
    state.in_balance = true;
    {
      const host::PageArray::InUse in_use(k.host.pages);
      balance_pgdat(k, node_index, highest_zone);
    }
    state.in_balance = false;
    k.sched.point();
  }
}

}  // namespace oomcast::mm
