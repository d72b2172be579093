// Decides what happens to the pages at the tail of a list. See shrink_lists.h; kernel-spec sections 4.3 and 4.8 to 4.10.
#include "model/mm/shrink_lists.h"

#include <algorithm>
#include <vector>

#include "model/mm/filemap_fault.h"
#include "model/mm/huge_memory.h"
#include "model/mm/lru.h"
#include "model/mm/page_alloc.h"
#include "model/mm/page_cache.h"
#include "model/mm/rmap.h"
#include "model/mm/shmem.h"
#include "model/mm/swap.h"
#include "model/mm/workingset.h"
#include "model/mm/writeback.h"
#include "model/mm/zram.h"

namespace oomcast::mm {

using host::LruKindIndex;
using host::LruList;
using host::Node;
using host::Page;
using host::PageId;
using host::Vmstat;

namespace {

// struct reclaim_stat.
struct ReclaimStat {
  int64_t dirty = 0, unqueued_dirty = 0, congested = 0, writeback = 0, immediate = 0, pageout = 0, young = 0;
};

struct Isolated {
  std::vector<PageId> pages;
  int64_t scanned = 0;  // skipped ones included
};

// Turns one page of the reservoir into a page at the tail. Nobody has scanned it yet, so one that a process maps is
// still young; what no process accounts for is shmem of a file that we know nothing about, or unmapped page cache.
void materialize_tail(Kernel& k, int node_index, uint8_t cgroup, LruKindIndex list) {
  LruList& lru = k.host.nodes[static_cast<size_t>(node_index)].lruvec(cgroup).list(list);
  const host::Reservoir entry = lru.take_reserved();
  const bool file = host::is_file_list(list);
  const bool mapped = !file && entry.owner != host::kNoProcess;
  const uint16_t flags = static_cast<uint16_t>(entry.held ? host::kPageFile | host::kPageBuffers : file ? host::kPageFile : mapped ? host::kPageSwapBacked | host::kPageYoung : host::kPageFile | host::kPageSwapBacked | host::kPageDirty);
  const PageId id = new_page(k, {node_index, entry.zone}, flags);
  Page& page = k.host.pages[id];
  page.background = true;
  page.cgroup = static_cast<uint8_t>(cgroup & 0x7f);
  page.set_owner(entry.owner);
  page.mapcount = mapped ? 1 : 0;
  if (list == LruKindIndex::kActiveAnon || list == LruKindIndex::kActiveFile) page.set(host::kPageActive);
  page.list = list;
  lru.push_tail(k.host.pages, id);
}

// filemap_release_folio() fails: a file system holds the buffers of this page of its block device.
bool held_by_file_system(const Page& page) { return page.has(host::kPageFile) && page.has(host::kPageBuffers) && page.slot == host::kNoSlot; }

bool ready_to_free(const Page& page) {
  return page.has(host::kPageSwapCache) && page.mapcount == 0 && !page.has(host::kPageWriteback | host::kPageDirty);
}

// isolate_lru_folios(): takes pages off the tail; those of higher zones than asked for go to the head.
Isolated isolate(Kernel& k, int node_index, uint8_t cgroup, LruKindIndex list, int64_t nr_to_scan, const ScanControl& sc) {
  LruList& lru = k.host.nodes[static_cast<size_t>(node_index)].lruvec(cgroup).list(list);
  Isolated out;
  std::vector<PageId> skipped;
  int64_t looked_at = 0;
  // A huge page is taken as a whole.
  const auto cut = [&] { return lru.tail() != host::kNoPage && !out.pages.empty() && same_huge_page(k, k.host.pages[lru.tail()], k.host.pages[out.pages.back()]); };
  while ((looked_at < nr_to_scan && static_cast<int64_t>(out.pages.size()) < kSwapClusterMax) || cut()) {
    if (lru.tail() == host::kNoPage && lru.reservoir_empty()) break;
    // The reservoir is older than anything touched since, except for what was rotated to the tail to be freed.
    const bool rotated = lru.tail() != host::kNoPage && ready_to_free(k.host.pages[lru.tail()]);
    if (!lru.reservoir_empty() && !rotated) materialize_tail(k, node_index, cgroup, list);
    const PageId id = lru.tail();
    take_off_list(k, id);
    ++out.scanned;
    if (k.host.pages[id].zone > sc.reclaim_idx) {
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

enum class References : uint8_t { kReclaim, kReclaimClean, kKeep, kActivate };

References check_references(Kernel& k, Page& page) {
  if (page.has(host::kPageMlocked)) return References::kActivate;
  const int young = clear_young(k, page);
  const bool referenced = page.test_and_clear(host::kPageReferenced);
  if (young > 0) {
    page.set(host::kPageReferenced);
    if (referenced || young > 1 || (page.cache() && mapped_executable(k, page))) return References::kActivate;
    return References::kKeep;
  }
  return referenced && page.cache() ? References::kReclaimClean : References::kReclaim;
}

enum class Fate : uint8_t { kFreed, kKeep, kActivate };

// Dirty pages: anonymous ones are written to swap, file pages are left to the flushers (kswapd writes them only when
// the node is full of them).
Fate write_out(Kernel& k, PageId id, References references, const ScanControl& sc, ReclaimStat& stat) {
  Page& page = k.host.pages[id];
  Node& node = k.host.nodes[page.node];
  if (page.cache() && (!sc.by_kswapd || !page.has(host::kPageReclaim) || !node.pgdat_dirty)) {
    k.host.count(Vmstat::nr_vmscan_immediate_reclaim);
    page.set(host::kPageReclaim);
    return Fate::kActivate;
  }
  if (references == References::kReclaimClean || !sc.may_writepage) return Fate::kKeep;
  ++stat.pageout;
  if (page.cache()) {
    // In 6.12 nobody writes file pages from reclaim: ->writepage is gone from ext4 and block devices.
    if (k.host.spec.kernel >= host::KernelVersion{6, 12}) return Fate::kActivate;
    write_page(k, id);
    return Fate::kKeep;
  }
  swap_writepage(k, id);
  return Fate::kKeep;
}

// Under writeback: whoever meets it marks it for the tail and goes on; kswapd remembers that it has to wait.
Fate meet_writeback(Page& page, const Node& node, const ScanControl& sc, ReclaimStat& stat) {
  if (sc.by_kswapd && page.has(host::kPageReclaim) && node.pgdat_writeback) {
    ++stat.immediate;
  } else {
    page.set(host::kPageReclaim);
    ++stat.writeback;
  }
  return Fate::kActivate;
}

Fate reclaim_lazyfree(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  if (page.has(host::kPageDirty)) {
    page.set(host::kPageSwapBacked);
    return Fate::kActivate;
  }
  unmap_lazyfree(k, id);
  k.host.count_with(page.cgroup, Vmstat::pglazyfreed);
  return Fate::kFreed;
}

// One page of shrink_folio_list(), in the kernel's order of decisions.
Fate reclaim_page(Kernel& k, PageId id, const ScanControl& sc, ReclaimStat& stat) {
  Page& page = k.host.pages[id];
  if (page.has(host::kPageLocked)) return Fate::kKeep;
  if (page.has(host::kPageMlocked)) return Fate::kActivate;
  const bool writeback = page.has(host::kPageWriteback);
  if (page.cache()) {
    // Anonymous pages do not count here: flushers cannot clean them (folio_check_dirty_writeback).
    const bool dirty = page.has(host::kPageDirty);
    if (dirty || writeback) ++stat.dirty;
    if (dirty && !writeback) ++stat.unqueued_dirty;
    if (writeback && page.has(host::kPageReclaim)) ++stat.congested;
  }
  if (writeback) return meet_writeback(page, k.host.nodes[page.node], sc, stat);
  const References references = check_references(k, page);
  if (references == References::kActivate || references == References::kKeep) ++stat.young;
  if (references == References::kActivate) return Fate::kActivate;
  if (references == References::kKeep) return Fate::kKeep;
  if (page.anon() && !page.has(host::kPageSwapBacked)) return reclaim_lazyfree(k, id);
  if (page.anon() && !page.has(host::kPageSwapCache) && !add_to_swap(k, id)) return Fate::kActivate;
  if (page.mapcount > 0) try_to_unmap(k, id);
  if (page.shmem() && !page.has(host::kPageSwapCache)) {
    if (!sc.may_writepage) return Fate::kKeep;
    if (!shmem_to_swap(k, id)) return Fate::kActivate;
  }
  if (page.has(host::kPageDirty) && page.has(host::kPageSwapCache) && is_zram(k, page.slot)) {
    // Written at once, and free in the same pass.
    k.sched.cpu(k.costs.unmap_page);
    if (!sc.may_writepage || !zram_write(k, id)) return Fate::kKeep;
    ++stat.pageout;
  } else if (page.has(host::kPageDirty)) {
    const Fate fate = write_out(k, id, references, sc, stat);
    k.sched.cpu(k.costs.unmap_page);
    return fate;
  }
  if (held_by_file_system(page)) return Fate::kActivate;
  if (page.has(host::kPageSwapCache)) {
    remove_from_swap_cache(k, id, true, sc.target_cgroup);
  } else if (page.has(host::kPageFile)) {
    evict_file_page(k, id, sc.target_cgroup);
  }
  return Fate::kFreed;
}

void activate(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  if (page.has(host::kPageSwapCache) && (vm_swap_full(k, page.cgroup) || page.has(host::kPageMlocked))) free_swap(k, id);
  if (page.has(host::kPageMlocked)) return;
  page.set(host::kPageActive);
  k.host.count_with(page.cgroup, Vmstat::pgactivate);
}

// move_folios_to_lru(): survivors go to the head of the list that their flags ask for.
void put_back(Kernel& k, PageId id) {
  const Page& page = k.host.pages[id];
  put_on_list(k, id, list_for(page));
  if (page.has(host::kPageActive)) age_nonresident(k.host, page.node, page.cgroup);
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

void count_scanned(Kernel& k, uint8_t cgroup, bool file, int64_t pages, const ScanControl& sc) {
  const Vmstat item = sc.by_kswapd ? Vmstat::pgscan_kswapd : Vmstat::pgscan_direct;
  if (!sc.cgroup_reclaim()) k.host.count(item, pages);
  k.host.count_in(cgroup, item, pages);
  k.host.count(file ? Vmstat::pgscan_file : Vmstat::pgscan_anon, pages);
}

}  // namespace

int64_t shrink_inactive_list(Kernel& k, int node_index, uint8_t cgroup, int64_t nr_to_scan, bool file, ScanControl& sc) {
  const int cpu = k.sched.current().cpu;
  lru_add_drain(k, cpu);
  const LruKindIndex list = file ? LruKindIndex::kInactiveFile : LruKindIndex::kInactiveAnon;
  const Isolated isolated = isolate(k, node_index, cgroup, list, nr_to_scan, sc);
  if (isolated.scanned > 0) k.listener.on_scan(node_index, sc.by_kswapd, sc.target_cgroup);
  k.sched.cpu(k.costs.scan_page * isolated.scanned);
  if (isolated.pages.empty()) {
    count_scanned(k, cgroup, file, isolated.scanned, sc);
    return 0;
  }

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
    if (fate == Fate::kActivate) activate(k, id);
    kept.push_back(id);
  }
  for (const PageId id : kept) put_back(k, id);
  // The multi-gen LRU finds young pages by walking page tables: they move to a young generation and are not scanned.
  // On booted kernels that shows in a cgroup's reclaim; the host's own scans about as much as the classic lists do.
  const bool aged = k.host.spec.lru == host::LruKind::kMultiGen && sc.cgroup_reclaim();
  count_scanned(k, cgroup, file, isolated.scanned - (aged ? stat.young : 0), sc);
  const Vmstat item = sc.by_kswapd ? Vmstat::pgsteal_kswapd : Vmstat::pgsteal_direct;
  if (!sc.cgroup_reclaim()) k.host.count(item, reclaimed);
  k.host.count_in(cgroup, item, reclaimed);
  k.host.count(file ? Vmstat::pgsteal_file : Vmstat::pgsteal_anon, reclaimed);
  // {6.12} 32 for each page written, 1 for each looked at in vain.
  const bool by_rotation = k.host.spec.kernel >= host::KernelVersion{6, 12} && k.host.spec.lru == host::LruKind::kClassic;
  const int64_t cost = by_rotation ? kSwapClusterMax * stat.pageout + isolated.scanned - reclaimed : stat.pageout;
  lru_note_cost(k.host.nodes[static_cast<size_t>(node_index)], cgroup, file, cost);
  const int64_t taken = static_cast<int64_t>(isolated.pages.size());
  if (stat.unqueued_dirty == taken) wakeup_flusher(k, true);
  add_stat(sc, stat, taken, file);
  return reclaimed;
}

void shrink_active_list(Kernel& k, int node_index, uint8_t cgroup, int64_t nr_to_scan, bool file, ScanControl& sc) {
  lru_add_drain(k, k.sched.current().cpu);
  const LruKindIndex list = file ? LruKindIndex::kActiveFile : LruKindIndex::kActiveAnon;
  const Isolated isolated = isolate(k, node_index, cgroup, list, nr_to_scan, sc);
  if (!sc.cgroup_reclaim()) k.host.count(Vmstat::pgrefill, isolated.scanned);
  k.host.count_in(cgroup, Vmstat::pgrefill, isolated.scanned);
  k.sched.cpu(k.costs.scan_page * isolated.scanned);
  int64_t rotated = 0;
  for (const PageId id : isolated.pages) {
    Page& page = k.host.pages[id];
    const bool running = page.cache() && page.has(host::kPageYoung) && mapped_executable(k, page);
    clear_young(k, page);
    if (running) {
      put_on_list(k, id, list);  // program text in use stays
      ++rotated;
      continue;
    }
    page.clear(host::kPageActive);
    page.set(host::kPageWorkingset);
    put_on_list(k, id, list_for(page));
  }
  k.host.count_with(cgroup, Vmstat::pgdeactivate, static_cast<int64_t>(isolated.pages.size()) - rotated);
  // {6.12} what rotates in vain is a cost of its list, too (lru_note_cost).
  if (rotated > 0 && k.host.spec.kernel >= host::KernelVersion{6, 12}) lru_note_cost(k.host.nodes[static_cast<size_t>(node_index)], cgroup, file, rotated);
}

}  // namespace oomcast::mm
