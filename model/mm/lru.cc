// Adds pages to LRU lists and removes them. See lru.h; kernel-spec sections 4.1 and 4.2.
#include "model/mm/lru.h"

#include <algorithm>

#include "model/mm/lru_gen.h"
#include "model/mm/memcg.h"
#include "model/mm/page_alloc.h"
#include "model/mm/reclaim_stat.h"
#include "model/mm/workingset.h"

namespace oomcast::mm {

using host::LruKindIndex;
using host::Page;
using host::PageId;
using host::Vmstat;

namespace {

// PAGEVEC_SIZE, struct folio_batch.
size_t batch_pages(const Kernel& k) { return k.follows(host::KernelRule::kLargeLruBatch) ? 31 : 15; }

}  // namespace

host::PageId new_page(Kernel& k, ZoneRef where, uint16_t flags) {
  const PageId id = k.host.pages.create();
  Page& page = k.host.pages[id];
  page.set_place(where);
  page.flags = flags;
  return id;
}

LruKindIndex list_for(const Page& page) {
  if (page.has(host::kPageMlocked)) return LruKindIndex::kUnevictable;
  const bool file = !page.has(host::kPageSwapBacked);
  if (page.has(host::kPageActive)) return file ? LruKindIndex::kActiveFile : LruKindIndex::kActiveAnon;
  return file ? LruKindIndex::kInactiveFile : LruKindIndex::kInactiveAnon;
}

void put_on_list(Kernel& k, PageId id, LruKindIndex list) {
  Page& page = k.host.pages[id];
  // The page may have been locked while it was on no list.
  if (page.has(host::kPageMlocked)) list = LruKindIndex::kUnevictable;
  if (list == LruKindIndex::kUnevictable) k.host.count(Vmstat::unevictable_pgs_culled);
  if (list != LruKindIndex::kUnevictable && k.host.lruvec_of(page).gens) return lru_gen_add(k, id, false);
  page.list = list;
  k.host.lruvec_of(page).list(list).push_head(k.host.pages, id);
}

void take_off_list(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  if (page.list != LruKindIndex::kUnevictable && k.host.lruvec_of(page).gens) return lru_gen_del(k, id);
  k.host.lruvec_of(page).list(page.list).remove(k.host.pages, id);
  page.list = LruKindIndex::kNone;
}

void lru_add(Kernel& k, PageId id, host::CpuIndex cpu) {
  std::vector<PageId>& batch = k.host.lru_add_batch[cpu];
  const Actor& actor = k.sched.current();
  Page& page = k.host.pages[id];
  const bool locked = page.has(host::kPageMlocked);
  if (actor.in_lru_fault && !actor.memalloc && !locked && lru_gen_enabled(k)) page.set(host::kPageActive);
  page.set(host::kPageInBatch);
  batch.push_back(id);
  if (batch.size() >= batch_pages(k)) lru_add_drain(k, cpu);
}

void lru_add_drain(Kernel& k, host::CpuIndex cpu) {
  std::vector<PageId>& added = k.host.lru_add_batch[cpu];
  for (PageId id : added) {
    Page& page = k.host.pages[id];
    page.clear(host::kPageInBatch);
    put_on_list(k, id, list_for(page));
    note_rotation(k, page, 1, page.has(host::kPageActive) ? 1 : 0);
  }
  added.clear();
  std::vector<PageId>& rotated = k.host.rotate_batch[cpu];
  for (PageId id : rotated) {
    if (!k.host.pages.alive(id)) continue;
    Page& page = k.host.pages[id];
    if (page.list == LruKindIndex::kNone || page.list == LruKindIndex::kUnevictable) continue;
    // lru_move_tail_fn(): a page of the active list leaves that list too.
    take_off_list(k, id);
    page.clear(host::kPageActive);
    if (k.host.lruvec_of(page).gens) {
      lru_gen_add(k, id, true);
    } else {
      page.list = list_for(page);
      k.host.lruvec_of(page).list(page.list).push_tail(k.host.pages, id);
    }
    k.host.count(Vmstat::pgrotated);
  }
  rotated.clear();
}

void rotate_reclaimable(Kernel& k, PageId id, host::CpuIndex cpu) {
  const Page& page = k.host.pages[id];
  if (page.has(host::kPageLocked) || page.has(host::kPageDirty) || page.has(host::kPageMlocked)) return;
  std::vector<PageId>& batch = k.host.rotate_batch[cpu];
  batch.push_back(id);
  if (batch.size() >= batch_pages(k)) lru_add_drain(k, cpu);
}

void release_page(Kernel& k, PageId id, host::CpuIndex cpu) {
  Page& page = k.host.pages[id];
  if (page.has(host::kPageWriteback) || page.has(host::kPageLocked)) {
    page.set(host::kPageOrphan);
    return;
  }
  if (page.has(host::kPageInBatch)) {
    for (std::vector<PageId>& batch : k.host.lru_add_batch)
      batch.erase(std::remove(batch.begin(), batch.end(), id), batch.end());
    page.clear(host::kPageInBatch);
  }
  if (page.list != LruKindIndex::kNone) take_off_list(k, id);
  for (std::vector<PageId>& batch : k.host.rotate_batch)
    batch.erase(std::remove(batch.begin(), batch.end(), id), batch.end());
  const ZoneRef where{page.node(), page.zone};
  uncharge(k.host, page.cgroup(), 1);
  k.host.pages.destroy(id);
  free_page(k, where, cpu);
}

uint16_t fresh_anon_flags(const Kernel& k) {
  if (k.follows(host::KernelRule::kAnonStartsInactive)) return host::kPageSwapBacked;
  return host::kPageSwapBacked | host::kPageActive;
}

void activate(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  if (page.has(host::kPageActive) || page.has(host::kPageMlocked)) return;
  page.set(host::kPageActive);
  if (page.list != LruKindIndex::kNone) {
    take_off_list(k, id);
    put_on_list(k, id, list_for(page));
    note_rotation(k, page, 1, 1);
  }
  k.host.count_with(page.cgroup(), Vmstat::pgactivate);
}

void mark_accessed(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  if (page.has(host::kPageMlocked)) return;
  if (lru_gen_enabled(k)) return lru_gen_inc_refs(page);
  if (!page.has(host::kPageReferenced)) {
    page.set(host::kPageReferenced);
    return;
  }
  if (page.has(host::kPageActive)) return;
  page.clear(host::kPageReferenced);
  activate(k, id);
  if (page.cache() || k.follows(host::KernelRule::kRefaultCosts)) age_nonresident(k.host, page.node(), page.cgroup());
}

}  // namespace oomcast::mm
