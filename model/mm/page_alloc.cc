// Allocates pages. See page_alloc.h; kernel-spec sections 1.7, 1.8, 2.2, 2.3 and 13.1.
#include "model/mm/page_alloc.h"

#include <algorithm>

#include "model/mm/compaction.h"
#include "model/mm/direct_reclaim.h"
#include "model/mm/free_blocks.h"
#include "model/mm/kswapd.h"
#include "model/mm/memcg.h"
#include "model/mm/node_reclaim.h"
#include "model/mm/oom_killer.h"
#include "model/mm/pcp.h"
#include "model/mm/writeback.h"

namespace oomcast::mm {

using host::Host;
using host::Node;
using host::Vmstat;
using host::Zone;
using host::ZoneKind;

namespace {

constexpr int kMaxReclaimRetries = 16;  // MAX_RECLAIM_RETRIES

// gfp_to_alloc_flags_cma(): a movable request may use pages that are kept for CMA (ALLOC_CMA).
bool is_movable(const Gfp& gfp) { return gfp.type == host::Migratetype::kMovable; }

// Whether this CPU's list is empty and too little movable memory is left to fill it.
bool would_steal(const Kernel& k, const Zone& zone, host::CpuIndex cpu) {
  const host::Pcp& pcp = zone.pcp[cpu];
  if (pcp.count > 0 || zone.other_free.sum() == 0) return false;
  host::Pcp trial = pcp;
  return zone.free - zone.other_free.sum() < pcp_refill(k.host.spec.kernel, zone, trial);
}

// Pages that have the type of the request leave the CPU's list. REQUIRES: the list has them.
void take_parked(Zone& zone, host::Pcp& pcp, int64_t pages) {
  pcp_note_alloc(pcp, pages);
  pcp.count -= pages;
  pcp.pieces = std::min(pcp.pieces, pcp.count);
  zone.used += pages;
}

// rmqueue(): one page from this CPU's list, which is refilled when it is empty.
bool rmqueue_page(Kernel& k, Zone& zone, const Gfp& gfp, host::CpuIndex cpu, bool& boosted) {
  host::Pcp& pcp = zone.pcp[cpu];
  if (pcp.count == 0) {
    const bool movable = is_movable(gfp);
    const int64_t got = std::min(pcp_refill(k.host.spec.kernel, zone, pcp), zone.free - (movable ? 0 : zone.free_cma));
    if (got <= 0) return false;
    if (movable) boosted = take_movable(k, zone, got);
    zone.free -= got;
    use_pieces(zone, got);
    if (movable) take_cma(zone, got);
    keep_within_free(zone);
    pcp.count += got;
  }
  if (!is_movable(gfp)) boosted |= take_for_kernel(k, zone, gfp.type);
  take_parked(zone, pcp, 1);
  return true;
}

// The same for a whole pageblock; the list of a CPU is refilled with two of them, where it is a list at all: that of a
// small zone has a batch of 1 (nr_pcp_alloc, order 9).
bool rmqueue_huge(Zone& zone, host::CpuIndex cpu) {
  host::Pcp& pcp = zone.pcp[cpu];
  if (pcp.huge_blocks == 0) {
    const int64_t got = std::min<int64_t>(pcp.batch > 1 ? 2 : 1, whole_free_blocks(zone));
    if (got == 0) return false;
    zone.free -= got * host::kHugePages;
    take_cma(zone, got * host::kHugePages);
    keep_within_free(zone);
    zone.huge_blocks += got;
    pcp.huge_blocks += got;
  }
  --pcp.huge_blocks;
  zone.used += host::kHugePages;
  return true;
}

bool rmqueue(Kernel& k, host::NodeIndex node_index, Zone& zone, const Gfp& gfp, host::CpuIndex cpu) {
  if (gfp.order > 0) return rmqueue_huge(zone, cpu);
  bool boosted = false;
  if (!rmqueue_page(k, zone, gfp, cpu, boosted)) return false;
  if (boosted && gfp.kswapd_reclaim) wakeup_kswapd(k, node_index, zone.kind);
  return true;
}

void count_allocations(Kernel& k, host::NodeIndex preferred, ZoneRef got, int order, int64_t allocations) {
  Host& host = k.host;
  host.count(host::by_zone(Vmstat::pgalloc_dma, got.zone), allocations << order);
  const Actor& actor = k.sched.current();
  if (got.node == preferred) {
    host.count(Vmstat::numa_hit, allocations);
  } else {
    host.count(Vmstat::numa_miss, allocations);
    host.count(Vmstat::numa_foreign, allocations);
  }
  host.count(got.node == actor.node ? Vmstat::numa_local : Vmstat::numa_other, allocations);
}

struct Search {
  Mark mark = Mark::kLow;
  bool no_watermarks = false;  // ALLOC_NO_WATERMARKS
  bool oom_reserve = false;    // ALLOC_OOM
  bool no_fragment = false;    // ALLOC_NOFRAGMENT: rather another zone of the node than a block of another type
};

// alloc_flags_nofragment(): true for a movable page whose highest usable zone is Normal. On a host of several nodes the
// node has to have DMA32 as well.
bool avoids_fragments(const Kernel& k, const Gfp& gfp, host::NodeIndex preferred) {
  if (!is_movable(gfp) || gfp.order > 0) return false;
  const Node& node = k.host.nodes[first_allowed_node(k, gfp, preferred)];
  for (const ZoneKind z : host::zones_down_from(gfp.highest_zone)) {
    if (z > ZoneKind::kNormal && node.zones[z].managed > 0) return false;
  }
  if (node.zones[ZoneKind::kNormal].managed == 0) return false;
  return k.host.nodes.size() == 1 || node.zones[ZoneKind::kDma32].managed > 0;
}

ZoneRef get_page_from_freelist(Kernel& k, const Gfp& gfp, host::NodeIndex preferred, const Search& search) {
  const host::CpuIndex cpu = k.sched.current().cpu;
  const host::NodeIndex first = first_allowed_node(k, gfp, preferred);
  for (const host::NodeIndex node_index : k.host.zonelists[preferred]) {
    if (!gfp.allows(node_index)) continue;
    if (search.no_fragment && node_index != first) break;
    Node& node = k.host.nodes[node_index];
    for (const ZoneKind zone_kind : host::zones_down_from(gfp.highest_zone)) {
      Zone& zone = node.zones[zone_kind];
      if (zone.managed == 0) continue;
      zone.below_high = !watermark_ok(zone, zone.high_mark(), gfp.highest_zone, zone.free, 0, is_movable(gfp));
      int64_t mark = mark_pages(zone, search.mark);
      if (search.oom_reserve) mark -= mark / 2;
      if (gfp.write && search.mark == Mark::kLow && !node_dirty_ok(k.host, node_index)) continue;
      if (!search.no_watermarks &&
          !watermark_ok(zone, mark, gfp.highest_zone, zone.free + (search.oom_reserve ? zone.highatomic : 0), gfp.order,
                        is_movable(gfp)) &&
          !node_reclaim(k, node_index, zone_kind, mark, gfp, first, search.mark == Mark::kLow)) {
        continue;
      }
      if (search.no_fragment && would_steal(k, zone, cpu)) continue;
      if (!rmqueue(k, node_index, zone, gfp, cpu)) continue;
      const ZoneRef got{node_index, zone_kind};
      count_allocations(k, first, got, gfp.order, 1);
      return got;
    }
  }
  if (!search.no_fragment) return {};
  Search anywhere = search;
  anywhere.no_fragment = false;
  return get_page_from_freelist(k, gfp, preferred, anywhere);
}

// Mirrors unreserve_highatomic_pageblock(): gives one reserved block back; the last one of a zone only with `force`.
bool unreserve_highatomic(Kernel& k, const Gfp& gfp, host::NodeIndex preferred, bool force) {
  for (const host::NodeIndex node_index : k.host.zonelists[preferred]) {
    if (!gfp.allows(node_index)) continue;
    for (Zone& zone : k.host.nodes[node_index].zones) {
      if (zone.highatomic == 0 || (!force && zone.highatomic <= host::kHugePages)) continue;
      zone.highatomic -= std::min<int64_t>(zone.highatomic, host::kHugePages);
      return true;
    }
  }
  return false;
}

// Mirrors should_reclaim_retry(): whether the request could succeed if all reclaimable pages were free.
bool should_reclaim_retry(Kernel& k, const Gfp& gfp, host::NodeIndex preferred, bool progress, int& no_progress_loops) {
  no_progress_loops = progress ? 0 : no_progress_loops + 1;
  if (no_progress_loops > kMaxReclaimRetries) return unreserve_highatomic(k, gfp, preferred, true);
  for (const host::NodeIndex node_index : k.host.zonelists[preferred]) {
    if (!gfp.allows(node_index)) continue;
    const Node& node = k.host.nodes[node_index];
    for (const ZoneKind zone_kind : host::zones_down_from(gfp.highest_zone)) {
      const Zone& zone = node.zones[zone_kind];
      if (zone.managed == 0) continue;
      const int64_t reclaimable = zone_reclaimable_pages(k, node, zone_kind);
      if (!watermark_ok(zone, zone.min_mark(), gfp.highest_zone, reclaimable + zone.free, 0, is_movable(gfp))) continue;
      // Pages under writeback are not free yet, so the task waits; from 5.16 on reclaim itself has waited.
      const bool waits_here = !k.follows(host::KernelRule::kReclaimThrottle);
      if (waits_here && !progress && 2 * zone.write_pending > reclaimable) congestion_wait(k);
      return true;
    }
  }
  return false;
}

// Mirrors __alloc_pages_direct_reclaim(): reclaims and tries; if that fails, drains all per-CPU lists and tries again.
ZoneRef alloc_with_direct_reclaim(Kernel& k, const Gfp& gfp, host::NodeIndex preferred, const Search& search,
                                  bool& progress) {
  progress = try_to_free_pages(k, gfp, preferred) > 0;
  if (!progress) return {};
  ZoneRef got = get_page_from_freelist(k, gfp, preferred, search);
  if (got.ok()) return got;
  unreserve_highatomic(k, gfp, preferred, false);
  drain_all_pages(k.host);
  return get_page_from_freelist(k, gfp, preferred, search);
}

// Mirrors __alloc_pages_may_oom().
ZoneRef alloc_may_oom(Kernel& k, const Gfp& gfp, host::NodeIndex preferred, int futile_rounds, bool& progress) {
  progress = true;
  if (k.oom_locked) {
    k.sched.sleep(kTick);
    return {};
  }
  const ZoneRef got = get_page_from_freelist(k, gfp, preferred, {Mark::kHigh});
  if (got.ok()) return got;
  k.oom_locked = true;
  progress = out_of_memory(k, gfp, preferred, {.futile_rounds = futile_rounds});
  k.oom_locked = false;
  return {};
}

// For order 9 the slow path looks once at the min mark, compacts, and reclaims for one round unless the request has
// __GFP_NORETRY. kswapd reclaims to the same marks as for order 0.
ZoneRef alloc_costly(Kernel& k, const Gfp& gfp, host::NodeIndex preferred) {
  const Search at_min{Mark::kMin};
  if (gfp.kswapd_reclaim) wake_all_kswapds(k, gfp, preferred);
  ZoneRef got = get_page_from_freelist(k, gfp, preferred, at_min);
  const Actor& actor = k.sched.current();
  if (got.ok() || !gfp.direct_reclaim || actor.memalloc || actor.dying) return got;
  if (compact_nodes(k, gfp, preferred)) return get_page_from_freelist(k, gfp, preferred, at_min);
  if (gfp.noretry) return {};
  bool progress = false;
  got = alloc_with_direct_reclaim(k, gfp, preferred, at_min, progress);
  if (got.ok() || !compact_nodes(k, gfp, preferred)) return got;
  return get_page_from_freelist(k, gfp, preferred, at_min);
}

ZoneRef alloc_slowpath(Kernel& k, const Gfp& gfp, host::NodeIndex preferred) {
  if (gfp.order > 0) return alloc_costly(k, gfp, preferred);
  Actor& actor = k.sched.current();
  if (gfp.kswapd_reclaim) wake_all_kswapds(k, gfp, preferred);
  const Search at_min{Mark::kMin};
  ZoneRef got = get_page_from_freelist(k, gfp, preferred, at_min);
  if (got.ok()) return got;
  int no_progress_loops = 0;
  while (true) {
    if (gfp.kswapd_reclaim) wake_all_kswapds(k, gfp, preferred);
    Search search{Mark::kMin};
    search.no_watermarks = actor.memalloc;
    search.oom_reserve = actor.oom_victim;
    // A task that may use the reserves may also use nodes that its policy excludes.
    Gfp now = gfp;
    if (search.no_watermarks || search.oom_reserve) now.nodes = host::kAllNodes;
    got = get_page_from_freelist(k, now, preferred, search);
    if (got.ok() || !gfp.direct_reclaim || actor.memalloc || actor.dying) return got;
    bool progress = false;
    got = alloc_with_direct_reclaim(k, gfp, preferred, search, progress);
    if (got.ok() || actor.dying) return got;
    if (gfp.noretry) return {};
    if (should_reclaim_retry(k, gfp, preferred, progress, no_progress_loops)) {
      k.sched.point();
      continue;
    }
    got = alloc_may_oom(k, gfp, preferred, no_progress_loops, progress);
    if (got.ok() || actor.dying || !progress) return got;
    no_progress_loops = 0;
    k.sched.point();
  }
}

}  // namespace

int64_t mark_pages(const Zone& zone, Mark mark) {
  switch (mark) {
    case Mark::kMin:
      return zone.min_mark();
    case Mark::kLow:
      return zone.low_mark();
    case Mark::kHigh:
      return zone.high_mark();
  }
  return 0;
}

bool watermark_ok(const Zone& zone, int64_t mark, ZoneKind highest, int64_t free, int order, bool movable) {
  free -= zone.highatomic + ((int64_t{1} << order) - 1);
  if (!movable) free -= zone.free_cma;
  if (free <= mark + zone.lowmem_reserve[highest]) return false;
  return order == 0 || whole_free_blocks(zone) > 0;
}

bool can_reclaim_anon(const Kernel& k, host::CgroupIndex cgroup) {
  return k.host.free_swap() > 0 && swap_left(k.host, cgroup);
}

int64_t zone_reclaimable_pages(const Kernel& k, const Node& node, ZoneKind zone) {
  using host::LruKindIndex;
  const auto size = [&](LruKindIndex list) { return node.size_of_zone(list, zone); };
  int64_t pages = size(LruKindIndex::kInactiveFile) + size(LruKindIndex::kActiveFile);
  if (can_reclaim_anon(k)) pages += size(LruKindIndex::kInactiveAnon) + size(LruKindIndex::kActiveAnon);
  // Without reclaimable pages the free pages count, so that a zone with free pages is not skipped.
  return pages == 0 ? node.zones[zone].free : pages;
}

host::NodeIndex first_allowed_node(const Kernel& k, const Gfp& gfp, host::NodeIndex preferred) {
  for (const host::NodeIndex node : k.host.zonelists[preferred]) {
    if (gfp.allows(node)) return node;
  }
  return preferred;
}

ZoneRef alloc_page(Kernel& k, const Gfp& gfp, host::NodeIndex preferred_node) {
  Search fast;
  fast.no_fragment = avoids_fragments(k, gfp, preferred_node);
  const ZoneRef got = get_page_from_freelist(k, gfp, preferred_node, fast);
  return got.ok() ? got : alloc_slowpath(k, gfp, preferred_node);
}

// The first turn of get_page_from_freelist(), where it takes a page without a refill and without node_reclaim().
int64_t alloc_parked_pages(Kernel& k, const Gfp& gfp, host::NodeIndex preferred_node, int64_t most, ZoneRef& where) {
  if (!is_movable(gfp) || gfp.order > 0 || gfp.write) return 0;
  where.node = first_allowed_node(k, gfp, preferred_node);
  for (const ZoneKind zone_kind : host::zones_down_from(gfp.highest_zone)) {
    Zone& zone = k.host.nodes[where.node].zones[zone_kind];
    if (zone.managed == 0) continue;
    host::Pcp& pcp = zone.pcp[k.sched.current().cpu];
    const int64_t pages = std::min(most, pcp.count);
    if (pages == 0 || !watermark_ok(zone, zone.low_mark(), gfp.highest_zone, zone.free, 0, true)) return 0;
    zone.below_high = !watermark_ok(zone, zone.high_mark(), gfp.highest_zone, zone.free, 0, true);
    take_parked(zone, pcp, pages);
    where.zone = zone_kind;
    count_allocations(k, where.node, where, 0, pages);
    return pages;
  }
  return 0;
}

void free_page(Kernel& k, ZoneRef ref, host::CpuIndex cpu) {
  Zone& zone = k.host.nodes[ref.node].zones[ref.zone];
  host::Pcp& pcp = zone.pcp[cpu];
  --zone.used;
  ++pcp.count;
  k.host.count(Vmstat::pgfree);
  const int64_t n = pcp_surplus(k.host.spec.kernel, zone, pcp);
  pcp.count -= n;
  zone.free += n;
  const int64_t pieces = std::min(n, pcp.pieces);
  pcp.pieces -= pieces;
  take_back(zone, n, pieces);
  give_back_cma(zone, n);
}

void free_huge_block(Kernel& k, ZoneRef ref) {
  Zone& zone = k.host.nodes[ref.node].zones[ref.zone];
  zone.used -= host::kHugePages;
  zone.free += host::kHugePages;
  give_back_cma(zone, host::kHugePages);
  --zone.huge_blocks;
  k.host.count(Vmstat::pgfree, host::kHugePages);
}

void drain_all_pages(Host& host) {
  for (Node& node : host.nodes) {
    for (Zone& zone : node.zones) {
      for (host::Pcp& pcp : zone.pcp) {
        const int64_t pages = pcp.count + pcp.huge_blocks * host::kHugePages;
        zone.free += pages;
        zone.huge_blocks -= pcp.huge_blocks;
        take_back(zone, pcp.count, pcp.pieces);
        give_back_cma(zone, pages);
        pcp.count = pcp.pieces = pcp.huge_blocks = 0;
      }
    }
  }
}

}  // namespace oomcast::mm
