// Evicts pages of the oldest generation: sorts, isolates, and decides how long reclaim goes on. See lru_gen.h;
// kernel-spec sections 5.4 to 5.7.
#include <algorithm>
#include <vector>

#include "model/mm/huge_memory.h"
#include "model/mm/lru.h"
#include "model/mm/lru_gen.h"
#include "model/mm/lru_gen_tiers.h"
#include "model/mm/memcg.h"
#include "model/mm/page_alloc.h"
#include "model/mm/shrink_folio_list.h"
#include "model/mm/swap.h"
#include "model/mm/writeback.h"

namespace oomcast::mm {

using host::GenList;
using host::kGenAnon;
using host::kGenerationsMin;
using host::kGenFile;
using host::kGenTypes;
using host::LruGen;
using host::LruKindIndex;
using host::Lruvec;
using host::Node;
using host::Page;
using host::PageId;
using host::Vmstat;

namespace {

constexpr size_t kTierUnknown = host::kTiers;
constexpr int64_t kMaxSwappiness = 200;

/// One scan_folios() over the oldest generation of a type.
struct Scan {
  std::vector<PageId> isolated;
  int64_t scanned = 0, sorted = 0, looked_at = 0;
  bool full() const { return static_cast<int64_t>(isolated.size()) >= kMinLruBatch; }
};

// Makes a page at the list's tail of the next page of the reservoir (the pages from before the run).
void materialize_tail(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, size_t type, size_t gen,
                      GenList& list) {
  LruGen& gens = generations_of(k, node, cgroup);
  const PageId id = page_of_reservoir(k, node, cgroup, type == kGenFile, list.reservoir.take(), gens.reservoir_young);
  k.host.pages[id].list = static_cast<LruKindIndex>(gen);
  gens.link_tail(k.host.pages, id, gen);
}

// sort_folio(): moves on pages that a walk has promoted, pages of protected tiers, and pages of zones above
// reclaim_idx. True: the page was moved. Pages that are locked, dirty or under writeback are not, as in 6.12.
bool sort_page(Kernel& k, Lruvec& lruvec, PageId id, const ScanControl& sc, size_t tier_idx) {
  LruGen& gens = *lruvec.gens;
  Page& page = k.host.pages[id];
  if (page.has(host::kPageMlocked)) return false;
  const size_t type = host::gen_type(page);
  if (static_cast<size_t>(page.list) != host::gen_of_seq(gens.min_seq[type])) {
    gens.unlink(k.host.pages, id);
    gens.link_head(k.host.pages, id, static_cast<size_t>(page.list));
    return true;
  }
  const int64_t refs = lru_gen_refs(page);
  const size_t tier = lru_gen_tier(refs);
  const bool keep = tier > tier_idx || refs == host::kRefsMax + 1;
  if (!keep && page.zone <= sc.highest_zone) return false;
  gens.unlink(k.host.pages, id);
  gens.link_tail(k.host.pages, id, lru_gen_inc_gen(lruvec, page));
  if (keep) ++gens.protected_pages[type][tier - 1];
  return true;
}

// isolate_folio()
void isolate_page(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  if (!page.has(host::kPageReferenced)) {
    page.refs = 0;
    page.clear(host::kPageWorkingset);
  }
  page.clear(host::kPageReferenced);
  lru_gen_del(k, id);
}

void scan_zone(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, size_t type, host::ZoneKind zone,
               size_t tier_idx, const ScanControl& sc, Scan& scan) {
  Lruvec& lruvec = k.host.nodes[node].lruvec(cgroup);
  LruGen& gens = *lruvec.gens;
  const size_t gen = host::gen_of_seq(gens.min_seq[type]);
  GenList& list = gens.lists[gen][type][zone];
  // The pages of a huge page are isolated together.
  const auto cut = [&] {
    return list.tail != host::kNoPage && !scan.isolated.empty() &&
           same_huge_page(k, k.host.pages[list.tail], k.host.pages[scan.isolated.back()]);
  };
  while (!list.empty() && ((scan.looked_at < kMaxLruBatch && !scan.full()) || cut())) {
    // Pages of the reservoir are older than all others, but for pages that were rotated to the tail to be freed.
    const bool rotated = list.tail != host::kNoPage && ready_to_free(k.host.pages[list.tail]);
    if (list.reservoir.size() > 0 && !rotated) materialize_tail(k, node, cgroup, type, gen, list);
    const PageId id = list.tail;
    ++scan.scanned;
    ++scan.looked_at;
    if (sort_page(k, lruvec, id, sc, tier_idx)) {
      ++scan.sorted;
      continue;
    }
    isolate_page(k, id);
    scan.isolated.push_back(id);
  }
}

// scan_folios(): zones from reclaim_idx downwards, then those above it.
Scan scan_pages(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, size_t type, size_t tier_idx,
                ScanControl& sc) {
  Scan scan;
  const LruGen& gens = generations_of(k, node, cgroup);
  if (gens.nr_gens(type) == kGenerationsMin) return scan;
  constexpr size_t kZones = host::kZoneKinds;
  for (size_t i = kZones; i > 0 && scan.looked_at < kMaxLruBatch && !scan.full(); --i) {
    const auto zone = static_cast<host::ZoneKind>((place_of(sc.highest_zone) + i) % kZones);
    scan_zone(k, node, cgroup, type, zone, tier_idx, sc, scan);
  }
  const auto isolated = static_cast<int64_t>(scan.isolated.size());
  if (!sc.cgroup_reclaim()) k.host.count(Vmstat::pgrefill, scan.sorted);
  k.host.count_in(cgroup, Vmstat::pgrefill, scan.sorted);
  count_scanned(k, cgroup, type == kGenFile, isolated, sc);
  k.sched.cpu(k.costs.sort_page * scan.sorted + k.costs.scan_page * isolated);
  if (isolated > 0) k.listener.on_scan(node, sc.by_kswapd, sc.target_cgroup);
  if (type == kGenFile) sc.nr.file_taken += isolated;
  if (isolated == 0 && scan.looked_at < kMaxLruBatch) scan.scanned = 0;  // all pages were of zones above reclaim_idx
  return scan;
}

TypeAndTier first_choice(const LruGen& gens, int64_t swappiness) {
  if (swappiness == 0) return {kGenFile, kTierUnknown};
  if (gens.min_seq[kGenAnon] < gens.min_seq[kGenFile]) return {kGenAnon, kTierUnknown};
  if (swappiness == 1) return {kGenFile, kTierUnknown};
  if (swappiness == kMaxSwappiness) return {kGenAnon, kTierUnknown};
  return get_type_to_scan(gens, swappiness);
}

struct Isolated {
  Scan scan;
  size_t type;
};

// isolate_folios(): tries the preferred type, then the other one if that had no page.
Isolated isolate(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, int64_t swappiness, ScanControl& sc) {
  const LruGen& gens = generations_of(k, node, cgroup);
  TypeAndTier choice = first_choice(gens, swappiness);
  const int types = swappiness == 0 ? 1 : 2;
  Isolated out{{}, choice.type};
  for (int i = 0; i < types; ++i) {
    if (choice.tier == kTierUnknown) choice.tier = get_tier_idx(gens, choice.type);
    out = {scan_pages(k, node, cgroup, choice.type, choice.tier, sc), choice.type};
    if (out.scan.scanned > 0) break;
    choice = {choice.type == kGenFile ? kGenAnon : kGenFile, kTierUnknown};
  }
  return out;
}

// Whether to retry a survivor at once: it may have missed folio_rotate_reclaimable() while it was isolated.
bool deserves_retry(const Page& page) {
  return !page.has(host::kPageActive | host::kPageReferenced | host::kPageLocked | host::kPageDirty |
                   host::kPageWriteback) &&
         page.mapcount == 0;
}

// The part of evict_folios() that decides which generation a survivor goes to.
void mark_survivor(Page& page) {
  if (page.has(host::kPageMlocked)) return;
  if (page.has(host::kPageReclaim) && page.has(host::kPageDirty | host::kPageWriteback)) {
    if (page.has(host::kPageWorkingset)) page.set(host::kPageReferenced);
    return;
  }
  page.refs = 0;  // keeps it out of the oldest generation
  page.clear(host::kPageReferenced | host::kPageWorkingset);
  page.set(host::kPageActive);
}

// One shrink_folio_list() over isolated pages. Returns those to be retried.
std::vector<PageId> shrink(Kernel& k, const std::vector<PageId>& pages, bool retried, host::CgroupIndex cgroup,
                           size_t type, ScanControl& sc) {
  const host::CpuIndex cpu = k.sched.current().cpu;
  ReclaimStat stat;
  int64_t reclaimed = 0;
  std::vector<PageId> kept, again;
  for (const PageId id : pages) {
    ++sc.nr_scanned;
    const Fate fate = reclaim_page(k, id, sc, stat);
    if (fate == Fate::kFreed) {
      ++reclaimed;
      k.sched.cpu(k.costs.free_page);
      release_page(k, id, cpu);
      continue;
    }
    if (fate == Fate::kActivate) activate_page(k, id);
    Page& page = k.host.pages[id];
    const bool held_up = page.has(host::kPageReclaim) && page.has(host::kPageDirty | host::kPageWriteback);
    if (!retried && !held_up && !page.has(host::kPageMlocked) && deserves_retry(page)) {
      again.push_back(id);
      continue;
    }
    mark_survivor(page);
    kept.push_back(id);
  }
  for (const PageId id : kept) put_on_list(k, id, list_for(k.host.pages[id]));
  sc.nr.unqueued_dirty += stat.unqueued_dirty;
  sc.nr.awaited += stat.awaited;
  sc.nr_reclaimed += reclaimed;
  count_stolen(k, cgroup, type == kGenFile, reclaimed, sc);
  return again;
}

// evict_folios(): one batch. Returns pages looked at; 0: nothing more can be evicted.
int64_t evict_pages(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, int64_t swappiness, ScanControl& sc) {
  LruGen& gens = generations_of(k, node, cgroup);
  const Isolated taken = isolate(k, node, cgroup, swappiness, sc);
  int64_t scanned = taken.scan.scanned;
  if (try_to_inc_min_seq(gens, swappiness > 0)) ++scanned;
  if (gens.nr_gens(swappiness > 0 ? kGenAnon : kGenFile) == kGenerationsMin) scanned = 0;
  if (taken.scan.isolated.empty()) return scanned;
  const std::vector<PageId> again = shrink(k, taken.scan.isolated, false, cgroup, taken.type, sc);
  if (!again.empty()) shrink(k, again, true, cgroup, taken.type, sc);
  return scanned;
}

struct Aging {
  bool wanted = false;
  int64_t pages = 0;  // in all generations of the types that can be evicted
};

// should_run_aging()
Aging should_run_aging(const LruGen& gens, bool can_swap) {
  const size_t first = can_swap ? kGenAnon : kGenFile;
  if (gens.min_seq[first] + kGenerationsMin > gens.max_seq) return {true, 0};
  int64_t young = 0, old = 0, total = 0;
  for (size_t type = first; type < kGenTypes; ++type) {
    for (uint64_t seq = gens.min_seq[type]; seq <= gens.max_seq; ++seq) {
      const int64_t pages = gens.size_of_generation(host::gen_of_seq(seq), type);
      total += pages;
      if (seq == gens.max_seq)
        young += pages;
      else if (seq + kGenerationsMin == gens.max_seq)
        old += pages;
    }
  }
  if (gens.min_seq[first] + kGenerationsMin < gens.max_seq) return {false, total};
  return {
      young * static_cast<int64_t>(kGenerationsMin) > total || old * static_cast<int64_t>(kGenerationsMin + 2) < total,
      total};
}

// get_nr_to_scan(): pages to scan; -1 if the cgroup was aged, or is below memory.min.
int64_t get_nr_to_scan(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, bool can_swap, ScanControl& sc) {
  if (below_min(k.host, cgroup, sc.target_cgroup)) return -1;
  const LruGen& gens = generations_of(k, node, cgroup);
  const uint64_t max_seq = gens.max_seq;
  const Aging aging = should_run_aging(gens, can_swap);
  if (!aging.wanted || sc.priority == kDefPriority) return aging.pages >> sc.priority;
  return try_to_inc_max_seq(k, node, cgroup, max_seq, can_swap, sc) ? -1 : 0;
}

}  // namespace

bool should_abort_scan(const Kernel& k, host::NodeIndex node_index, const ScanControl& sc) {
  constexpr int64_t kCompactGap = 2;  // compact_gap(0)
  if (sc.cgroup_reclaim()) return false;
  if (sc.nr_reclaimed >= std::max(sc.nr_to_reclaim, kCompactGap)) return true;
  if (!sc.by_kswapd) return false;
  const Node& node = k.host.nodes[node_index];
  for (const host::ZoneKind z : host::zones_up_to(sc.highest_zone)) {
    const host::Zone& zone = node.zones[z];
    if (zone.managed > 0 && !watermark_ok(zone, zone.high_mark() + kMinLruBatch, sc.highest_zone, zone.free))
      return false;
  }
  return true;
}

bool try_to_shrink_lruvec(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, ScanControl& sc) {
  const int64_t swappiness = lru_gen_swappiness(k, cgroup, sc);
  int64_t nr_to_scan = 0, scanned = 0;
  while (true) {
    nr_to_scan = get_nr_to_scan(k, node, cgroup, swappiness > 0, sc);
    if (nr_to_scan <= 0) break;
    const int64_t delta = evict_pages(k, node, cgroup, swappiness, sc);
    if (delta == 0) break;
    scanned += delta;
    if (scanned >= nr_to_scan || should_abort_scan(k, node, sc)) break;
    k.sched.current().plug->throttle();
    k.sched.point();
  }
  const bool all_dirty = sc.nr.unqueued_dirty > 0 && sc.nr.unqueued_dirty == sc.nr.file_taken;
  if (all_dirty) wakeup_flusher(k, true);
  if (sc.nr.awaited > 0 || (all_dirty && !writeback_is_throttled(k, sc)))
    reclaim_throttle(k, node, Throttle::kWriteback);
  return nr_to_scan < 0;
}

void lru_gen_shrink_lruvec(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, ScanControl& sc) {
  lru_add_drain(k, k.sched.current().cpu);
  SwapPlug plug(k);
  sc.mm_walk = sc.by_kswapd;
  if (try_to_shrink_lruvec(k, node, cgroup, sc)) make_memcg_young(k, node, cgroup);
  sc.mm_walk = false;
  plug.throttle();
  k.sched.point();
  plug.flush();
}

void lru_gen_shrink_node(Kernel& k, host::NodeIndex node_index, ScanControl& sc) {
  Node& node = k.host.nodes[node_index];
  const int64_t reclaimed_before = sc.nr_reclaimed;
  k.sched.cpu(k.costs.shrink_pass);
  if (!sc.may_writepage || !sc.may_unmap) return;
  lru_add_drain(k, k.sched.current().cpu);
  SwapPlug plug(k);
  sc.mm_walk = sc.by_kswapd;
  set_initial_priority(k, node, sc);
  if (sc.by_kswapd) sc.nr_reclaimed = 0;
  shrink_many(k, node_index, sc);
  if (sc.by_kswapd) sc.nr_reclaimed += reclaimed_before;
  sc.mm_walk = false;
  plug.throttle();
  k.sched.point();
  plug.flush();
  if (sc.nr_reclaimed > reclaimed_before) node.kswapd_failures = 0;
}

}  // namespace oomcast::mm
