// Readahead of files. See readahead.h; kernel-spec section 10.10.
#include "model/mm/readahead.h"

#include <algorithm>

#include "model/mm/cache_slab.h"
#include "model/mm/lru.h"
#include "model/mm/memcg.h"
#include "model/mm/mempolicy.h"
#include "model/mm/workingset.h"

namespace oomcast::mm {

using host::File;
using host::FileIndex;
using host::Page;
using host::PageId;
using host::Vmstat;

namespace {

constexpr int64_t kLotsOfMisses = 100;  // MMAP_LOTSAMISS
constexpr size_t kReadsPerPoint = 4;    // other fibers run after so many reads of one call
constexpr Gfp kGfpReadahead{.noretry = true};

// do_page_cache_ra(): allocates and reads the missing pages of the window, and marks the page that triggers the next.
void read_window(Kernel& k, FileIndex file_index, int64_t start, int64_t pages, int64_t async,
                 host::CgroupIndex cgroup) {
  std::vector<PageId> reads;
  const int64_t end = std::min(start + pages, k.host.files[file_index].size_pages);
  for (int64_t index = start; index < end; ++index) {
    if (k.host.files[file_index].page(static_cast<uint64_t>(index)) != host::kNoPage) {
      if (!reads.empty()) k.block.submit_file(reads, false, k.sched.current().cpu);
      reads.clear();
      continue;
    }
    const PageId id =
        add_to_page_cache(k, file_index, static_cast<uint64_t>(index), cgroup, kGfpReadahead, host::kPageLocked);
    if (id == host::kNoPage || !k.host.pages[id].has(host::kPageLocked)) break;
    if (index == start + pages - async) k.host.pages[id].set(host::kPageReadahead);
    k.host.count(Vmstat::pgpgin, kPageBytes / 1024);
    reads.push_back(id);
    if (reads.size() % kReadsPerPoint == 0) k.sched.point();
  }
  if (!reads.empty()) k.block.submit_file(reads, false, k.sched.current().cpu);
}

}  // namespace

PageId add_to_page_cache(Kernel& k, FileIndex file_index, uint64_t index, host::CgroupIndex cgroup, const Gfp& gfp,
                         uint16_t flags) {
  const ZoneRef where = alloc_page_task(k, gfp);
  if (!where.ok()) return host::kNoPage;
  const bool charged = try_charge(k, cgroup);
  File& file = k.host.files[file_index];
  if (!charged || file.page(index) != host::kNoPage) {
    if (charged) uncharge(k.host, cgroup, 1);
    free_page(k, where, k.sched.current().cpu);
    return file.page(index);
  }
  const PageId id = insert_into_file(k, file_index, index, where, cgroup, flags, !gfp.write);
  if (!gfp.write) k.sched.cpu(k.costs.cache_page);
  return id;
}

PageId insert_into_file(Kernel& k, FileIndex file_index, uint64_t index, ZoneRef where, host::CgroupIndex cgroup,
                        uint16_t flags, bool refault) {
  File& file = k.host.files[file_index];
  const PageId id = new_page(k, where, static_cast<uint16_t>(host::kPageFile | flags));
  Page& page = k.host.pages[id];
  page.set_cgroup(cgroup);
  page.slot = file_index;
  page.set_vpn(index);
  const host::Shadow shadow = file.shadow(index);
  const size_t nodes_before = file.nodes();
  file.set_page(index, id);
  if (file.nodes() > nodes_before)
    add_tree_node(k, file_index, index, page.node(), cgroup);
  else
    update_shadow_node(k, file_index, index);
  ++file.cached;
  file.size_pages = std::max(file.size_pages, static_cast<int64_t>(index) + 1);
  // A page that is overwritten as a whole does not count as a refault.
  if (refault) workingset_refault(k, id, shadow);
  lru_add(k, id, k.sched.current().cpu);
  return id;
}

void ondemand_readahead(Kernel& k, FileIndex file_index, host::Readahead& ra, int64_t index, int64_t requested,
                        bool hit_marker, host::CgroupIndex cgroup) {
  const int64_t max = kReadaheadPages;
  const bool expected = index == ra.start + ra.size - ra.async_size || index == ra.start + ra.size;
  if (index != 0 && expected) {
    ra.start += ra.size;
    ra.size = next_readahead_pages(ra.size, max);
    ra.async_size = ra.size;
  } else if (hit_marker) {
    int64_t start = index + 1;
    while (start - index <= max && k.host.files[file_index].page(static_cast<uint64_t>(start)) != host::kNoPage)
      ++start;
    if (start - index > max) return;
    ra.start = start;
    ra.size = next_readahead_pages(start - index + requested, max);
    ra.async_size = ra.size;
  } else if (index == 0 || requested > max ||
             (ra.prev_index >= 0 && index - ra.prev_index <= 1 && index >= ra.prev_index)) {
    ra.start = index;
    ra.size = init_readahead_pages(requested, max);
    ra.async_size = ra.size > requested ? ra.size - requested : ra.size;
  } else {
    read_window(k, file_index, index, requested, 0, cgroup);  // a random read: no pages ahead
    return;
  }
  if (index == ra.start && ra.size == ra.async_size) {
    const int64_t add = next_readahead_pages(ra.size, max);
    ra.async_size = ra.size + add <= max ? add : max / 2;
    ra.size = std::min(ra.size + add, max);
  }
  read_window(k, file_index, ra.start, ra.size, ra.async_size, cgroup);
}

void mmap_readaround(Kernel& k, FileIndex file_index, int64_t index, host::CgroupIndex cgroup) {
  File& file = k.host.files[file_index];
  if (file.mmap_miss < kLotsOfMisses * 10) ++file.mmap_miss;
  if (file.mmap_miss > kLotsOfMisses) return;
  host::Readahead& ra = file.mapped_readahead;
  ra.start = std::max<int64_t>(0, index - kReadaheadPages / 2);
  ra.size = kReadaheadPages;
  ra.async_size = kReadaheadPages / 4;
  read_window(k, file_index, ra.start, ra.size, ra.async_size, cgroup);
}

void mmap_readahead_hit(Kernel& k, FileIndex file_index, PageId id, host::CgroupIndex cgroup) {
  File& file = k.host.files[file_index];
  if (file.mmap_miss > 0) --file.mmap_miss;
  if (!k.host.pages[id].test_and_clear(host::kPageReadahead)) return;
  ondemand_readahead(k, file_index, file.mapped_readahead, static_cast<int64_t>(k.host.pages[id].vpn), kReadaheadPages,
                     true, cgroup);
}

void wait_for_readers(Kernel& k, PageId id) {
  wait_for_page(k, id, [&] { k.sched.wait(k.block.readers(), kForever); });
}

bool wait_locked(Kernel& k, FileIndex file, uint64_t index) {
  while (true) {
    k.sched.point();  // before the check: between the check and the wait a wake-up would be missed
    const PageId id = k.host.files[file].page(index);
    if (id == host::kNoPage || !k.host.pages[id].has(host::kPageLocked)) break;
    wait_for_readers(k, id);
    if (k.sched.current().dying) return false;
  }
  return true;
}

std::optional<PageId> page_with_data(Kernel& k, FileIndex file, uint64_t index, host::CgroupIndex cgroup) {
  // Readahead found no memory, or reclaim has evicted the page again: this page is read alone, with reclaim allowed.
  PageId id = k.host.files[file].page(index);
  if (id == host::kNoPage) {
    id = add_to_page_cache(k, file, index, cgroup, kGfpHighUserMovable, host::kPageLocked);
    if (id == host::kNoPage) return std::nullopt;
    if (k.host.pages[id].has(host::kPageLocked)) {
      k.host.count(Vmstat::pgpgin, kPageBytes / 1024);
      k.block.submit_file({id}, false, k.sched.current().cpu);
    }
  }
  if (!wait_locked(k, file, index)) return host::kNoPage;
  return k.host.files[file].page(index);
}

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

}  // namespace oomcast::mm
