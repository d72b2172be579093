// Decides about one page that reclaim has isolated. See shrink_folio_list.h; kernel-spec sections 4.3 and 4.9.
#include "model/mm/shrink_folio_list.h"

#include "model/mm/deferred_split.h"
#include "model/mm/filemap_fault.h"
#include "model/mm/lru.h"
#include "model/mm/lru_gen.h"
#include "model/mm/page_alloc.h"
#include "model/mm/page_cache.h"
#include "model/mm/rmap.h"
#include "model/mm/shmem.h"
#include "model/mm/swap.h"
#include "model/mm/writeback.h"
#include "model/mm/zram.h"
#include "model/mm/zswap.h"

namespace oomcast::mm {

using host::Node;
using host::Page;
using host::PageId;
using host::Vmstat;

namespace {

// filemap_release_folio() fails: a file system holds the buffers of this page of its block device.
bool held_by_file_system(const Page& page) {
  return page.has(host::kPageFile) && page.has(host::kPageBuffers) && page.slot == host::kNoSlot;
}

enum class References : uint8_t { kReclaim, kReclaimClean, kKeep, kActivate };

References check_references(Kernel& k, PageId id, const ScanControl& sc) {
  Page& page = k.host.pages[id];
  if (page.has(host::kPageMlocked)) return References::kActivate;
  const int young = k.host.lruvec_of(page).gens ? lru_gen_look_around(k, id, sc.mm_walk) : clear_young(k, page);
  const bool referenced = page.test_and_clear(host::kPageReferenced);
  if (young > 0) {
    const bool at_once = !k.follows(host::KernelRule::kAnonStartsInactive);
    if (at_once && page.has(host::kPageSwapBacked)) return References::kActivate;
    page.set(host::kPageReferenced);
    if (referenced || young > 1 || (page.cache() && mapped_executable(k, page))) return References::kActivate;
    return References::kKeep;
  }
  return referenced && page.cache() ? References::kReclaimClean : References::kReclaim;
}

// Dirty pages: anonymous ones are written to swap, file pages are left to the flushers (kswapd writes them only when
// the node is full of them).
Fate write_out(Kernel& k, PageId id, References references, const ScanControl& sc, ReclaimStat& stat) {
  Page& page = k.host.pages[id];
  Node& node = k.host.nodes[page.node()];
  if (page.cache() && (!sc.by_kswapd || !page.has(host::kPageReclaim) || !node.pgdat_dirty)) {
    k.host.count(Vmstat::nr_vmscan_immediate_reclaim);
    page.set(host::kPageReclaim);
    return Fate::kActivate;
  }
  if (references == References::kReclaimClean || !sc.may_writepage) return Fate::kKeep;
  if (!page.cache() && !zswap_writeback_enabled(k, page.cgroup())) return Fate::kActivate;  // AOP_WRITEPAGE_ACTIVATE
  ++stat.pageout;
  if (page.cache()) {
    // ext4 and block devices have no ->writepage any more.
    if (k.follows(host::KernelRule::kNoFileWriteback)) return Fate::kActivate;
    write_page(k, id);
    return Fate::kKeep;
  }
  swap_writepage(k, id);
  return Fate::kKeep;
}

// A page under writeback is marked with PG_reclaim, to be rotated to the tail once it is written. kswapd counts a
// marked one in `immediate`, for which it waits. So does a cgroup of v1 in `awaited`. Differs: it waits after the
// batch, not at each page.
Fate meet_writeback(const Kernel& k, Page& page, const ScanControl& sc, ReclaimStat& stat) {
  const Node& node = k.host.nodes[page.node()];
  if (!writeback_is_throttled(k, sc) && page.has(host::kPageReclaim)) {
    ++stat.awaited;
    return Fate::kKeep;
  }
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
  k.host.count_with(page.cgroup(), Vmstat::pglazyfreed);
  return Fate::kFreed;
}

}  // namespace

bool ready_to_free(const Page& page) {
  return page.has(host::kPageSwapCache) && page.mapcount == 0 && !page.has(host::kPageWriteback | host::kPageDirty);
}

// The pages of the entry have not been scanned yet, so a mapped one is still young. An entry that no process accounts
// for is shmem of an unknown file, or unmapped page cache.
PageId page_of_reservoir(Kernel& k, host::NodeIndex node_index, host::CgroupIndex cgroup, bool file,
                         const host::Reservoir& entry, bool young) {
  const bool mapped = !file && entry.owner != host::kNoProcess;
  const int mapped_flags = host::kPageSwapBacked | (young ? host::kPageYoung : 0);
  const uint16_t flags = static_cast<uint16_t>(entry.held ? host::kPageFile | host::kPageBuffers
                                               : file     ? host::kPageFile
                                               : mapped   ? mapped_flags
                                                          : host::kPageFile | host::kPageSwapBacked | host::kPageDirty);
  const PageId id = new_page(k, {node_index, entry.zone}, flags);
  Page& page = k.host.pages[id];
  page.background = true;
  page.set_cgroup(cgroup);
  page.set_owner(entry.owner);
  page.mapcount = mapped ? 1 : 0;
  return id;
}

Fate reclaim_page(Kernel& k, PageId id, const ScanControl& sc, ReclaimStat& stat) {
  Page& page = k.host.pages[id];
  if (page.has(host::kPageLocked)) return Fate::kKeep;
  if (page.has(host::kPageMlocked)) return Fate::kActivate;
  // A look around has tried to promote the page while it was isolated.
  if (k.host.lruvec_of(page).gens && page.mapcount > 0 && page.has(host::kPageReferenced)) return Fate::kKeep;
  const bool writeback = page.has(host::kPageWriteback);
  if (page.cache()) {
    // Anonymous pages do not count here: flushers cannot clean them (folio_check_dirty_writeback).
    const bool dirty = page.has(host::kPageDirty);
    if (dirty || writeback) ++stat.dirty;
    if (dirty && !writeback) ++stat.unqueued_dirty;
    if (writeback && page.has(host::kPageReclaim)) ++stat.congested;
  }
  if (writeback) return meet_writeback(k, page, sc, stat);
  const References references = check_references(k, id, sc);
  if (references == References::kActivate) return Fate::kActivate;
  if (references == References::kKeep) return Fate::kKeep;
  if (page.anon() && !page.has(host::kPageSwapBacked)) return reclaim_lazyfree(k, id);
  if (page.anon() && !page.has(host::kPageSwapCache)) {
    // Some of the huge page may come free without any I/O: it is split first.
    if (split_for_reclaim(k, id)) return Fate::kFreed;
    if (!add_to_swap(k, id)) return Fate::kActivate;
  }
  if (page.mapcount > 0) try_to_unmap(k, id);
  if (page.shmem() && !page.has(host::kPageSwapCache)) {
    if (!sc.may_writepage) return Fate::kKeep;
    if (!shmem_to_swap(k, id)) return Fate::kActivate;
  }
  const bool to_swap = page.has(host::kPageDirty) && page.has(host::kPageSwapCache);
  if (to_swap && sc.may_writepage && references == References::kReclaim && zswap_store(k, id)) {
    // Kept at once, and free in the same pass.
    k.sched.cpu(k.costs.unmap_page);
    ++stat.pageout;
  } else if (to_swap && is_zram(k, page.slot) && zswap_writeback_enabled(k, page.cgroup())) {
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

void activate_page(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  if (page.has(host::kPageSwapCache) && (vm_swap_full(k, page.cgroup()) || page.has(host::kPageMlocked)))
    free_swap(k, id);
  if (page.has(host::kPageMlocked)) return;
  page.set(host::kPageActive);
  k.host.count_with(page.cgroup(), Vmstat::pgactivate);
}

void count_scanned(Kernel& k, host::CgroupIndex cgroup, bool file, int64_t pages, const ScanControl& sc) {
  const Vmstat item = sc.by_kswapd ? Vmstat::pgscan_kswapd : Vmstat::pgscan_direct;
  if (!sc.cgroup_reclaim()) k.host.count(item, pages);
  k.host.count_in(cgroup, item, pages);
  k.host.count(file ? Vmstat::pgscan_file : Vmstat::pgscan_anon, pages);
}

void count_stolen(Kernel& k, host::CgroupIndex cgroup, bool file, int64_t pages, const ScanControl& sc) {
  const Vmstat item = sc.by_kswapd ? Vmstat::pgsteal_kswapd : Vmstat::pgsteal_direct;
  if (!sc.cgroup_reclaim()) k.host.count(item, pages);
  k.host.count_in(cgroup, item, pages);
  k.host.count(file ? Vmstat::pgsteal_file : Vmstat::pgsteal_anon, pages);
}

}  // namespace oomcast::mm
