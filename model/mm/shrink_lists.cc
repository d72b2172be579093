// Decides what happens to the pages at the tail of a list. See shrink_lists.h; kernel-spec sections 4.3 and 4.8
// to 4.10.
#include "model/mm/shrink_lists.h"

#include <algorithm>
#include <vector>

#include "model/mm/filemap_fault.h"
#include "model/mm/huge_memory.h"
#include "model/mm/lru.h"
#include "model/mm/reclaim_stat.h"
#include "model/mm/rmap.h"
#include "model/mm/shrink_folio_list.h"
#include "model/mm/workingset.h"
#include "model/mm/writeback.h"

namespace oomcast::mm {

using host::LruKindIndex;
using host::LruList;
using host::Page;
using host::PageId;
using host::Vmstat;

namespace {

struct Isolated {
  std::vector<PageId> pages;
  int64_t scanned = 0;  // skipped ones included
};

// Makes a page at the list's tail of the next page of the reservoir (the pages from before the run).
void materialize_tail(Kernel& k, host::NodeIndex node_index, host::CgroupIndex cgroup, LruKindIndex list) {
  LruList& lru = k.host.nodes[node_index].lruvec(cgroup).list(list);
  const PageId id = page_of_reservoir(k, node_index, cgroup, host::is_file_list(list), lru.take_reserved(), true);
  Page& page = k.host.pages[id];
  if (host::is_active_list(list)) page.set(host::kPageActive);
  page.list = list;
  lru.push_tail(k.host.pages, id);
}

// isolate_lru_folios(): takes pages off the tail; those of higher zones than asked for go to the head.
Isolated isolate(Kernel& k, host::NodeIndex node_index, host::CgroupIndex cgroup, LruKindIndex list, int64_t nr_to_scan,
                 const ScanControl& sc) {
  LruList& lru = k.host.nodes[node_index].lruvec(cgroup).list(list);
  Isolated out;
  std::vector<PageId> skipped;
  int64_t looked_at = 0;
  // A huge page is taken as a whole.
  const auto cut = [&] {
    return lru.tail() != host::kNoPage && !out.pages.empty() &&
           same_huge_page(k, k.host.pages[lru.tail()], k.host.pages[out.pages.back()]);
  };
  while ((looked_at < nr_to_scan && static_cast<int64_t>(out.pages.size()) < kSwapClusterMax) || cut()) {
    if (lru.tail() == host::kNoPage && lru.reservoir_empty()) break;
    // Pages of the reservoir are older than all others, but for pages that were rotated to the tail to be freed.
    const bool rotated = lru.tail() != host::kNoPage && ready_to_free(k.host.pages[lru.tail()]);
    if (!lru.reservoir_empty() && !rotated) materialize_tail(k, node_index, cgroup, list);
    const PageId id = lru.tail();
    take_off_list(k, id);
    ++out.scanned;
    if (k.host.pages[id].zone > sc.highest_zone) {
      k.host.count(host::by_zone(Vmstat::pgskip_dma, k.host.pages[id].zone));
      skipped.push_back(id);
      continue;
    }
    ++looked_at;
    if (!sc.may_unmap && k.host.pages[id].mapcount > 0) {
      put_on_list(k, id, list);
      continue;
    }
    out.pages.push_back(id);
  }
  for (PageId id : skipped) put_on_list(k, id, list);
  return out;
}

// move_folios_to_lru(): survivors go to the head of the list that their flags ask for.
void put_back(Kernel& k, PageId id) {
  const Page& page = k.host.pages[id];
  put_on_list(k, id, list_for(page));
  if (!page.has(host::kPageActive)) return;
  note_rotation(k, page, 0, 1);
  if (k.follows(host::KernelRule::kRefaultCosts)) age_nonresident(k.host, page.node(), page.cgroup());
}

void add_stat(ScanControl& sc, const ReclaimStat& stat, int64_t taken, bool file) {
  sc.nr.dirty += stat.dirty;
  sc.nr.unqueued_dirty += stat.unqueued_dirty;
  sc.nr.congested += stat.congested;
  sc.nr.writeback += stat.writeback;
  sc.nr.immediate += stat.immediate;
  sc.nr.taken += taken;
  if (file) sc.nr.file_taken += taken;
}

}  // namespace

int64_t shrink_inactive_list(Kernel& k, host::NodeIndex node_index, host::CgroupIndex cgroup, int64_t nr_to_scan,
                             bool file, ScanControl& sc) {
  const host::CpuIndex cpu = k.sched.current().cpu;
  lru_add_drain(k, cpu);
  const LruKindIndex list = file ? LruKindIndex::kInactiveFile : LruKindIndex::kInactiveAnon;
  const Isolated isolated = isolate(k, node_index, cgroup, list, nr_to_scan, sc);
  if (isolated.scanned > 0) k.listener.on_scan(node_index, sc.by_kswapd, sc.target_cgroup);
  k.sched.cpu(k.costs.scan_page * isolated.scanned);
  if (isolated.pages.empty()) {
    count_scanned(k, cgroup, file, isolated.scanned, sc);
    return 0;
  }

  const int64_t taken = static_cast<int64_t>(isolated.pages.size());
  note_rotation(k, k.host.nodes[node_index].lruvec(cgroup), file, taken, 0);
  ReclaimStat stat;
  int64_t reclaimed = 0;
  // Kept pages go back in the order that the kernel's two list reversals give: first scanned, nearest the head's end.
  std::vector<PageId> kept;
  for (const PageId id : isolated.pages) {
    ++sc.nr_scanned;
    const Fate fate = reclaim_page(k, id, sc, stat);
    if (fate == Fate::kFreed) {
      ++reclaimed;
      k.sched.cpu(k.costs.free_page);
      release_page(k, id, cpu);
      continue;
    }
    if (fate == Fate::kActivate) activate_page(k, id);
    kept.push_back(id);
  }
  for (const PageId id : kept) put_back(k, id);
  count_scanned(k, cgroup, file, isolated.scanned, sc);
  count_stolen(k, cgroup, file, reclaimed, sc);
  // lru_note_cost(): 32 for each page written and, if rotations count, 1 for each page scanned and not reclaimed.
  const bool by_rotation = k.follows(host::KernelRule::kRotationCosts);
  const int64_t cost = by_rotation ? kSwapClusterMax * stat.pageout + isolated.scanned - reclaimed : stat.pageout;
  lru_note_cost(k.host.nodes[node_index], cgroup, file, cost);
  if (stat.unqueued_dirty == taken) wakeup_flusher(k, true);
  add_stat(sc, stat, taken, file);
  if (stat.awaited > 0 || (stat.unqueued_dirty == taken && !writeback_is_throttled(k, sc)))
    reclaim_throttle(k, node_index, Throttle::kWriteback);
  return reclaimed;
}

void shrink_active_list(Kernel& k, host::NodeIndex node_index, host::CgroupIndex cgroup, int64_t nr_to_scan, bool file,
                        ScanControl& sc) {
  lru_add_drain(k, k.sched.current().cpu);
  const LruKindIndex list = file ? LruKindIndex::kActiveFile : LruKindIndex::kActiveAnon;
  const Isolated isolated = isolate(k, node_index, cgroup, list, nr_to_scan, sc);
  if (!sc.cgroup_reclaim()) k.host.count(Vmstat::pgrefill, isolated.scanned);
  k.host.count_in(cgroup, Vmstat::pgrefill, isolated.scanned);
  k.sched.cpu(k.costs.scan_page * isolated.scanned);
  int64_t rotated = 0, in_use = 0;
  for (const PageId id : isolated.pages) {
    Page& page = k.host.pages[id];
    const bool running = page.cache() && page.has(host::kPageYoung) && mapped_executable(k, page);
    if (clear_young(k, page) > 0) ++in_use;
    if (running) {
      put_on_list(k, id, list);  // program text in use stays active
      ++rotated;
      continue;
    }
    page.clear(host::kPageActive);
    page.set(host::kPageWorkingset);
    put_on_list(k, id, list_for(page));
  }
  k.host.count_with(cgroup, Vmstat::pgdeactivate, static_cast<int64_t>(isolated.pages.size()) - rotated);
  note_rotation(k, k.host.nodes[node_index].lruvec(cgroup), file, static_cast<int64_t>(isolated.pages.size()), in_use);
  // Pages that stay active are a cost of their list too (lru_note_cost).
  if (rotated > 0 && k.follows(host::KernelRule::kRotationCosts))
    lru_note_cost(k.host.nodes[node_index], cgroup, file, rotated);
}

}  // namespace oomcast::mm
