// vm.zone_reclaim_mode. See node_reclaim.h.
#include "model/mm/node_reclaim.h"

#include <algorithm>

#include "model/mm/vmscan.h"

namespace oomcast::mm {

using host::LruKindIndex;
using host::Node;
using host::Vmstat;

namespace {

constexpr int kReclaimZone = 1, kReclaimWrite = 2, kReclaimUnmap = 4;
constexpr int kReclaimDistance = 30;     // RECLAIM_DISTANCE
constexpr int kNodeReclaimPriority = 4;  // NODE_RECLAIM_PRIORITY

int64_t share_of_zones(const Node& node, int percent) {
  int64_t pages = 0;
  for (const host::Zone& zone : node.zones) pages += zone.managed * percent / 100;
  return pages;
}

// node_pagecache_reclaimable(): pages of the page cache that this mode may reclaim.
int64_t pagecache_reclaimable(const Node& node, int mode) {
  const int64_t file = node.size(LruKindIndex::kInactiveFile) + node.size(LruKindIndex::kActiveFile);
  const int64_t pages =
      (mode & kReclaimUnmap) != 0 ? file + node.file_mapped : std::max<int64_t>(0, file - node.file_mapped);
  const int64_t kept = (mode & kReclaimWrite) != 0 ? 0 : node.nr_dirty;
  return pages - std::min(pages, kept);
}

bool has_enough(const Kernel& k, const Node& node) {
  const host::VmTunables& vm = k.host.spec.vm;
  return pagecache_reclaimable(node, vm.zone_reclaim_mode) > share_of_zones(node, vm.min_unmapped_ratio) ||
         node.slab_reclaimable > share_of_zones(node, vm.min_slab_ratio);
}

bool worth_it(const Kernel& k, host::NodeIndex node_index, host::NodeIndex preferred) {
  const Node& node = k.host.nodes[node_index];
  if (k.host.spec.nodes[preferred.place()].distance[node_index.place()] > kReclaimDistance) return false;
  if (!has_enough(k, node)) return false;
  // A node that has CPUs is reclaimed only by tasks that run there.
  return node.cpu_indices.empty() || k.sched.current().node == node_index;
}

bool reclaim(Kernel& k, host::NodeIndex node_index, const Gfp& gfp) {
  const host::VmTunables& vm = k.host.spec.vm;
  Node& node = k.host.nodes[node_index];
  Actor& actor = k.sched.current();
  const Nanoseconds begin = stall_enter(k);
  ScanControl sc;
  sc.highest_zone = gfp.highest_zone;
  sc.priority = kNodeReclaimPriority;
  sc.may_writepage = (vm.zone_reclaim_mode & kReclaimWrite) != 0;
  sc.may_unmap = (vm.zone_reclaim_mode & kReclaimUnmap) != 0;
  node.reclaim_locked = true;
  k.listener.on_direct_reclaim({node_index, host::ZoneKind::kDma32});
  k.sched.memstall_enter();
  actor.memalloc = true;
  if (has_enough(k, node)) {
    do {
      shrink_node(k, node_index, sc);
    } while (sc.nr_reclaimed < 1 && --sc.priority >= 0);
  }
  actor.memalloc = false;
  k.sched.point();
  k.sched.memstall_leave();
  node.reclaim_locked = false;
  stall_leave(k, begin, Stalled::kDirectReclaim);
  if (sc.nr_reclaimed < 1) k.host.count(Vmstat::zone_reclaim_failed);
  if (sc.nr_reclaimed >= 1 && k.follows(host::KernelRule::kNodeReclaimSuccess))
    k.host.count(Vmstat::zone_reclaim_success);
  return sc.nr_reclaimed >= 1;
}

}  // namespace

bool node_reclaim(Kernel& k, host::NodeIndex node_index, host::ZoneKind zone_kind, int64_t mark, const Gfp& gfp,
                  host::NodeIndex preferred, bool fast_path) {
  (void)fast_path;
  const int mode = k.host.spec.vm.zone_reclaim_mode;
  if ((mode & (kReclaimZone | kReclaimWrite | kReclaimUnmap)) == 0) return false;
  const Node& node = k.host.nodes[node_index];
  if (!gfp.direct_reclaim || k.sched.current().memalloc || node.reclaim_locked || !worth_it(k, node_index, preferred))
    return false;
  reclaim(k, node_index, gfp);
  const host::Zone& zone = node.zones[zone_kind];
  return watermark_ok(zone, mark, gfp.highest_zone, zone.free, 0, gfp.type == host::Migratetype::kMovable);
}

}  // namespace oomcast::mm
