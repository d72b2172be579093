// Where does a page come from? See page_alloc.h; kernel-spec sections 1.7, 1.8, 2.2, 2.3 and 13.1.
#include "model/mm/page_alloc.h"

#include <algorithm>

#include "model/mm/direct_reclaim.h"
#include "model/mm/kswapd.h"
#include "model/mm/oom_killer.h"
#include "model/mm/node_reclaim.h"
#include "model/mm/memcg.h"
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

// The movable free lists of a zone run dry before its free count does: some free pages lie in blocks of other
// migratetypes. A snapshot does not say how many (pagetypeinfo is not in it). On booted 6.1 and 6.12 guests of 256 to
// 512 MiB a share of 1/128 of the zone puts the first fallback where most runs had it (README, "Fallback and boost").
constexpr int64_t kOtherMigratetypeShare = 128;
constexpr int64_t kPageblockPages = 512;

// Mirrors boost_watermark(), called when an allocation must steal from a block of another migratetype.
void boost_watermark(const Kernel& k, Zone& zone) {
  const int factor = k.host.spec.vm.watermark_boost_factor;
  if (factor == 0 || zone.managed < 4 * kPageblockPages) return;
  int64_t max_boost = zone.high * factor / 10000;
  if (max_boost == 0) return;
  max_boost = std::max(max_boost, kPageblockPages);
  zone.boost = std::min(zone.boost + kPageblockPages, max_boost);
}

// Gives whether the zone's movable blocks have just run dry, which boosts its watermarks and wakes its kswapd.
bool note_fallback(Kernel& k, Zone& zone) {
  const int64_t other = zone.managed / kOtherMigratetypeShare;
  if (zone.free > 4 * other) zone.fallback_done = false;
  if (zone.fallback_done || zone.free > other) return false;
  zone.fallback_done = true;
  const int64_t before = zone.boost;
  boost_watermark(k, zone);
  return zone.boost > before;
}

// rmqueue(): one page from this CPU's list, refilled in one go when it is empty.
bool rmqueue(Kernel& k, Node& node, Zone& zone, const Gfp& gfp, int cpu) {
  host::Pcp& pcp = zone.pcp[static_cast<size_t>(cpu)];
  bool boosted = false;
  if (pcp.count == 0) {
    const int64_t got = std::min(pcp_refill(k.host.spec.kernel, zone, pcp), zone.free);
    if (got == 0) return false;
    zone.free -= got;
    pcp.count += got;
    if (gfp.movable) boosted = note_fallback(k, zone);
  }
  pcp_note_alloc(pcp);
  --pcp.count;
  ++zone.used;
  if (boosted && gfp.kswapd_reclaim) {
    const int node_index = static_cast<int>(&node - k.host.nodes.data());
    wakeup_kswapd(k, node_index, zone.kind);
  }
  return true;
}

void count_allocation(Kernel& k, int preferred, ZoneRef got) {
  Host& host = k.host;
  host.count(host::by_zone(Vmstat::pgalloc_dma, got.zone));
  const Actor& actor = k.sched.current();
  if (got.node == preferred) {
    host.count(Vmstat::numa_hit);
  } else {
    host.count(Vmstat::numa_miss);
    host.count(Vmstat::numa_foreign);
  }
  host.count(got.node == actor.node ? Vmstat::numa_local : Vmstat::numa_other);
}

struct Search {
  Mark mark = Mark::kLow;
  bool no_watermarks = false;   // ALLOC_NO_WATERMARKS
  bool oom_reserve = false;     // ALLOC_OOM
};

ZoneRef get_page_from_freelist(Kernel& k, const Gfp& gfp, int preferred, const Search& search) {
  const int cpu = k.sched.current().cpu;
  for (int node_index : k.host.zonelists[static_cast<size_t>(preferred)]) {
    Node& node = k.host.nodes[static_cast<size_t>(node_index)];
    for (int zone_index = static_cast<int>(gfp.highest_zone); zone_index >= 0; --zone_index) {
      Zone& zone = node.zones[static_cast<size_t>(zone_index)];
      if (zone.managed == 0) continue;
      zone.below_high = !watermark_ok(zone, zone.high_mark(), gfp.highest_zone, zone.free);
      int64_t mark = mark_pages(zone, search.mark);
      if (search.oom_reserve) mark -= mark / 2;
      if (gfp.write && search.mark == Mark::kLow && !node_dirty_ok(k.host, node_index)) continue;
      if (!search.no_watermarks && !watermark_ok(zone, mark, gfp.highest_zone, zone.free) &&
          !node_reclaim(k, node_index, zone_index, mark, gfp, preferred, search.mark == Mark::kLow)) {
        continue;
      }
      if (!rmqueue(k, node, zone, gfp, cpu)) continue;
      const ZoneRef got{node_index, zone_index};
      count_allocation(k, preferred, got);
      return got;
    }
  }
  return {};
}

// Mirrors should_reclaim_retry(): could the request ever succeed if everything reclaimable were reclaimed?
bool should_reclaim_retry(const Kernel& k, const Gfp& gfp, int preferred, bool progress, int& no_progress_loops) {
  no_progress_loops = progress ? 0 : no_progress_loops + 1;
  if (no_progress_loops > kMaxReclaimRetries) return false;
  for (int node_index : k.host.zonelists[static_cast<size_t>(preferred)]) {
    const Node& node = k.host.nodes[static_cast<size_t>(node_index)];
    for (int zone_index = static_cast<int>(gfp.highest_zone); zone_index >= 0; --zone_index) {
      const Zone& zone = node.zones[static_cast<size_t>(zone_index)];
      if (zone.managed == 0) continue;
      const int64_t available = zone_reclaimable_pages(k, node, zone_index) + zone.free;
      if (watermark_ok(zone, zone.min_mark(), gfp.highest_zone, available)) return true;
    }
  }
  return false;
}

// Mirrors __alloc_pages_direct_reclaim(): reclaim, try, and once more with everybody's per-CPU pages.
ZoneRef alloc_with_direct_reclaim(Kernel& k, const Gfp& gfp, int preferred, const Search& search, bool& progress) {
  progress = try_to_free_pages(k, gfp, preferred) > 0;
  if (!progress) return {};
  ZoneRef got = get_page_from_freelist(k, gfp, preferred, search);
  if (got.ok()) return got;
  drain_all_pages(k.host);
  return get_page_from_freelist(k, gfp, preferred, search);
}

// Mirrors __alloc_pages_may_oom().
ZoneRef alloc_may_oom(Kernel& k, const Gfp& gfp, int preferred, bool& progress) {
  progress = true;
  if (k.oom_locked) {
    k.sched.sleep(kTick);
    return {};
  }
  const ZoneRef got = get_page_from_freelist(k, gfp, preferred, {Mark::kHigh});
  if (got.ok()) return got;
  k.oom_locked = true;
  progress = out_of_memory(k, gfp, preferred);
  k.oom_locked = false;
  return {};
}

ZoneRef alloc_slowpath(Kernel& k, const Gfp& gfp, int preferred) {
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
    got = get_page_from_freelist(k, gfp, preferred, search);
    if (got.ok() || !gfp.direct_reclaim || actor.memalloc || actor.dying) return got;
    bool progress = false;
    got = alloc_with_direct_reclaim(k, gfp, preferred, search, progress);
    if (got.ok() || actor.dying) return got;
    if (gfp.noretry) return {};
    if (should_reclaim_retry(k, gfp, preferred, progress, no_progress_loops)) {
      k.sched.point();
      continue;
    }
    got = alloc_may_oom(k, gfp, preferred, progress);
    if (got.ok() || actor.dying || !progress) return got;
    no_progress_loops = 0;
    k.sched.point();
  }
}

}  // namespace

int64_t mark_pages(const Zone& zone, Mark mark) {
  switch (mark) {
    case Mark::kMin: return zone.min_mark();
    case Mark::kLow: return zone.low_mark();
    case Mark::kHigh: return zone.high_mark();
  }
  return 0;
}

bool watermark_ok(const Zone& zone, int64_t mark, ZoneKind highest, int64_t free) {
  return free > mark + zone.lowmem_reserve[static_cast<size_t>(highest)];
}

bool can_reclaim_anon(const Kernel& k, uint8_t cgroup) {
  return k.host.free_swap() > 0 && swap_left(k.host, cgroup);
}

int64_t zone_reclaimable_pages(const Kernel& k, const Node& node, int zone) {
  using host::LruKindIndex;
  const auto size = [&](LruKindIndex list) { return node.size_of_zone(list, zone); };
  int64_t pages = size(LruKindIndex::kInactiveFile) + size(LruKindIndex::kActiveFile);
  if (can_reclaim_anon(k)) pages += size(LruKindIndex::kInactiveAnon) + size(LruKindIndex::kActiveAnon);
  // Nothing reclaimable left: count the free pages, so that a nearly empty zone is not written off too early.
  return pages == 0 ? node.zones[static_cast<size_t>(zone)].free : pages;
}

ZoneRef alloc_page(Kernel& k, const Gfp& gfp, int preferred_node) {
  const ZoneRef got = get_page_from_freelist(k, gfp, preferred_node, {Mark::kLow});
  return got.ok() ? got : alloc_slowpath(k, gfp, preferred_node);
}

void free_page(Kernel& k, ZoneRef ref, int cpu) {
  Zone& zone = k.host.nodes[static_cast<size_t>(ref.node)].zones[static_cast<size_t>(ref.zone)];
  host::Pcp& pcp = zone.pcp[static_cast<size_t>(cpu)];
  --zone.used;
  ++pcp.count;
  k.host.count(Vmstat::pgfree);
  const int64_t n = pcp_surplus(k.host.spec.kernel, zone, pcp);
  pcp.count -= n;
  zone.free += n;
}

void drain_all_pages(Host& host) {
  for (Node& node : host.nodes) {
    for (Zone& zone : node.zones) {
      for (host::Pcp& pcp : zone.pcp) {
        zone.free += pcp.count;
        pcp.count = 0;
      }
    }
  }
}

}  // namespace oomcast::mm
