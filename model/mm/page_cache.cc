// What happens when a program reads or writes a file? See page_cache.h; kernel-spec sections 4.2, 7.2 and 10.10.
#include "model/mm/page_cache.h"

#include <algorithm>

#include "model/mm/cache_slab.h"
#include "model/mm/lru.h"
#include "model/mm/memcg.h"
#include "model/mm/page_alloc.h"
#include "model/mm/workingset.h"
#include "model/mm/writeback.h"

namespace oomcast::mm {

using host::File;
using host::FileIndex;
using host::Page;
using host::PageId;
using host::Vmstat;

namespace {

constexpr int64_t kReadaheadPages = 32;    // VM_READAHEAD_PAGES, 128 KiB
constexpr Gfp kGfpReadahead{host::ZoneKind::kMovable, true, true, true, true, false};
constexpr Gfp kGfpWrite{host::ZoneKind::kMovable, true, true, true, false, true};
constexpr uint64_t kPagesPerPoint = 4;     // others get to run that often within one call

// filemap_add_folio(): a fresh page of the file, on its way to a list. kNoPage if memory cannot be had.
PageId add_page(Kernel& k, FileIndex file_index, uint64_t index, uint8_t cgroup, const Gfp& gfp, uint16_t flags) {
  const ZoneRef where = alloc_page(k, gfp, k.sched.current().node);
  if (!where.ok()) return host::kNoPage;
  const bool charged = try_charge(k, cgroup);
  File& file = k.host.files[file_index];
  if (!charged || file.page(index) != host::kNoPage) {
    if (charged) uncharge(k.host, cgroup, 1);
    free_page(k, where, k.sched.current().cpu);
    return file.page(index);
  }
  const PageId id = new_page(k, where, static_cast<uint16_t>(host::kPageFile | flags));
  Page& page = k.host.pages[id];
  page.cgroup = static_cast<uint8_t>(cgroup & 0x7f);
  page.slot = file_index;
  page.vpn = index;
  const host::Shadow shadow = file.shadow(index);
  const size_t nodes_before = file.nodes();
  file.set_page(index, id);
  add_tree_nodes(k, file.nodes() - nodes_before);
  ++file.cached;
  file.size_pages = std::max(file.size_pages, static_cast<int64_t>(index) + 1);
  // A page that will be overwritten whole says nothing about what was evicted.
  if (!gfp.write) workingset_refault(k, id, shadow);
  lru_add(k, id, k.sched.current().cpu);
  if (!gfp.write) k.sched.cpu(k.costs.cache_page);
  return id;
}

// do_page_cache_ra(): allocates and reads what is missing of the window; marks the page that triggers the next one.
void read_window(Kernel& k, FileIndex file_index, int64_t start, int64_t pages, int64_t async, uint8_t cgroup) {
  std::vector<PageId> reads;
  const int64_t end = std::min(start + pages, k.host.files[file_index].size_pages);
  for (int64_t index = start; index < end; ++index) {
    if (k.host.files[file_index].page(static_cast<uint64_t>(index)) != host::kNoPage) {
      if (!reads.empty()) k.block.submit_file(reads, false, k.sched.current().cpu);
      reads.clear();
      continue;
    }
    const PageId id = add_page(k, file_index, static_cast<uint64_t>(index), cgroup, kGfpReadahead, host::kPageLocked);
    if (id == host::kNoPage || !k.host.pages[id].has(host::kPageLocked)) break;
    if (index == start + pages - async) k.host.pages[id].set(host::kPageReadahead);
    k.host.count(Vmstat::pgpgin, kPageBytes / 1024);
    reads.push_back(id);
    if (reads.size() % kPagesPerPoint == 0) k.sched.point();
  }
  if (!reads.empty()) k.block.submit_file(reads, false, k.sched.current().cpu);
}

// ondemand_readahead(): which window, given where this read starts, how much it wants and what it met.
void ondemand_readahead(Kernel& k, FileIndex file_index, int64_t index, int64_t requested, bool hit_marker, uint8_t cgroup) {
  host::Readahead& ra = k.host.files[file_index].readahead;
  const int64_t max = kReadaheadPages;
  const bool expected = index == ra.start + ra.size - ra.async_size || index == ra.start + ra.size;
  if (index != 0 && expected) {
    ra.start += ra.size;
    ra.size = next_readahead_pages(ra.size, max);
    ra.async_size = ra.size;
  } else if (hit_marker) {
    int64_t start = index + 1;
    while (start - index <= max && k.host.files[file_index].page(static_cast<uint64_t>(start)) != host::kNoPage) ++start;
    if (start - index > max) return;
    ra.start = start;
    ra.size = next_readahead_pages(start - index + requested, max);
    ra.async_size = ra.size;
  } else if (index == 0 || requested > max || (ra.prev_index >= 0 && index - ra.prev_index <= 1 && index >= ra.prev_index)) {
    ra.start = index;
    ra.size = init_readahead_pages(requested, max);
    ra.async_size = ra.size > requested ? ra.size - requested : ra.size;
  } else {
    read_window(k, file_index, index, requested, 0, cgroup);  // a random read: just that
    return;
  }
  if (index == ra.start && ra.size == ra.async_size) {
    const int64_t add = next_readahead_pages(ra.size, max);
    ra.async_size = ra.size + add <= max ? add : max / 2;
    ra.size = std::min(ra.size + add, max);
  }
  read_window(k, file_index, ra.start, ra.size, ra.async_size, cgroup);
}

// Waits for the data of a page that is being read. False if the task is dying.
bool wait_locked(Kernel& k, FileIndex file, uint64_t index) {
  while (true) {
    k.sched.point();  // before the check: nothing may be missed between it and the wait
    const PageId id = k.host.files[file].page(index);
    if (id == host::kNoPage || !k.host.pages[id].has(host::kPageLocked)) break;
    k.sched.wait(k.block.readers(), kForever);
    if (k.sched.current().dying) return false;
  }
  return true;
}

bool read_page(Kernel& k, FileIndex file_index, uint64_t index, int64_t requested, uint8_t cgroup) {
  for (int attempt = 0; attempt < 4; ++attempt) {
    PageId id = k.host.files[file_index].page(index);
    if (id == host::kNoPage) {
      ondemand_readahead(k, file_index, static_cast<int64_t>(index), requested, false, cgroup);
      id = k.host.files[file_index].page(index);
    }
    if (id == host::kNoPage) {
      // Readahead gave up for want of memory: this one page, with all means.
      id = add_page(k, file_index, index, cgroup, kGfpHighUserMovable, host::kPageLocked);
      if (id == host::kNoPage) return !k.sched.current().dying;
      if (k.host.pages[id].has(host::kPageLocked)) k.block.submit_file({id}, false, k.sched.current().cpu);
    } else if (k.host.pages[id].test_and_clear(host::kPageReadahead)) {
      ondemand_readahead(k, file_index, static_cast<int64_t>(index), requested, true, cgroup);
    }
    if (!wait_locked(k, file_index, index)) return false;
    if (k.host.files[file_index].page(index) != host::kNoPage) break;
  }
  const PageId id = k.host.files[file_index].page(index);
  k.sched.cpu(k.costs.read_page);
  if (id != host::kNoPage && static_cast<int64_t>(index) != k.host.files[file_index].readahead.prev_index) mark_accessed(k, id);
  return true;
}

}  // namespace

int64_t init_readahead_pages(int64_t requested, int64_t max) {
  int64_t size = 1;
  while (size < requested) size <<= 1;
  if (size <= max / 32) return size * 4;
  if (size <= max / 4) return size * 2;
  return max;
}

int64_t next_readahead_pages(int64_t current, int64_t max) {
  if (current < max / 16) return 4 * current;
  return current <= max / 2 ? 2 * current : max;
}

bool file_read(Kernel& k, FileIndex file, uint64_t offset, uint64_t bytes, uint8_t cgroup) {
  if (bytes == 0) return true;
  const uint64_t first = offset >> kPageShift, last = (offset + bytes - 1) >> kPageShift;
  // What the program could read was there before we saw it.
  k.host.files[file].size_pages = std::max(k.host.files[file].size_pages, static_cast<int64_t>(last) + 1);
  for (uint64_t index = first; index <= last; ++index) {
    if (!read_page(k, file, index, static_cast<int64_t>(last - index + 1), cgroup)) return false;
    k.host.files[file].readahead.prev_index = static_cast<int64_t>(index);
  }
  grow_cache_slab(k);
  return true;
}

bool file_write(Kernel& k, FileIndex file, uint64_t offset, uint64_t bytes, uint8_t cgroup) {
  if (bytes == 0) return true;
  const uint64_t first = offset >> kPageShift, last = (offset + bytes - 1) >> kPageShift;
  for (uint64_t index = first; index <= last; ++index) {
    PageId id = k.host.files[file].page(index);
    if (id == host::kNoPage) id = add_page(k, file, index, cgroup, kGfpWrite, 0);
    if (id == host::kNoPage) return false;
    k.sched.cpu(k.costs.write_page);
    if (!wait_locked(k, file, index)) return false;
    id = k.host.files[file].page(index);
    if (id == host::kNoPage) continue;
    attach_buffers(k, id);
    set_page_dirty(k, id);
    if (index % kPagesPerPoint == 0) k.sched.point();
    balance_dirty_pages_ratelimited(k);
    if (k.sched.current().dying) return false;
  }
  grow_cache_slab(k);
  return true;
}

void evict_file_page(Kernel& k, PageId id) {
  const Page& page = k.host.pages[id];
  const host::Shadow shadow = workingset_eviction(k, page);
  if (page.slot == host::kNoSlot) return;  // cached before the run, of a file we know nothing about
  File& file = k.host.files[page.slot];
  file.set_shadow(page.vpn, shadow);
  --file.cached;
  detach_buffers(k, id);
}

void truncate_file(Kernel& k, FileIndex file_index, uint64_t first_index) {
  File& file = k.host.files[file_index];
  std::vector<PageId> dropped;
  const size_t nodes_before = file.nodes();
  file.truncate(first_index, [&](PageId id) { dropped.push_back(id); });
  for (PageId id : dropped) {
    --file.cached;
    clear_page_dirty(k, id);
    detach_buffers(k, id);
    if (k.host.pages[id].has(host::kPageWriteback)) --file.writeback;  // its end will not know the file any more
    k.host.pages[id].slot = host::kNoSlot;
    release_page(k, id, k.sched.current().cpu);
  }
  file.size_pages = std::min(file.size_pages, static_cast<int64_t>(first_index));
  drop_tree_nodes(k, nodes_before - file.nodes());
}

}  // namespace oomcast::mm
