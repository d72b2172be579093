// The page cache. See page_cache.h; kernel-spec sections 4.2, 7.2 and 10.10.
#include "model/mm/page_cache.h"

#include <algorithm>

#include "model/mm/cache_slab.h"
#include "model/mm/lru.h"
#include "model/mm/page_alloc.h"
#include "model/mm/readahead.h"
#include "model/mm/rmap.h"
#include "model/mm/shmem.h"
#include "model/mm/swap.h"
#include "model/mm/tmpfs.h"
#include "model/mm/workingset.h"
#include "model/mm/writeback.h"

namespace oomcast::mm {

using host::File;
using host::FileIndex;
using host::Page;
using host::PageId;
using host::Vmstat;

namespace {

constexpr Gfp kGfpWrite{.write = true};
constexpr uint64_t kPagesPerPoint = 4;  // other fibers run after so many pages of one call

bool read_page(Kernel& k, FileIndex file_index, uint64_t index, int64_t requested, host::CgroupIndex cgroup) {
  PageId id = host::kNoPage;
  for (int attempt = 0; attempt < 4 && id == host::kNoPage; ++attempt) {
    id = k.host.files[file_index].page(index);
    if (id == host::kNoPage) {
      ondemand_readahead(k, file_index, k.host.files[file_index].readahead, static_cast<int64_t>(index), requested,
                         false, cgroup);
    } else if (k.host.pages[id].test_and_clear(host::kPageReadahead)) {
      ondemand_readahead(k, file_index, k.host.files[file_index].readahead, static_cast<int64_t>(index), requested,
                         true, cgroup);
    }
    const std::optional<PageId> got = page_with_data(k, file_index, index, cgroup);
    if (!got || k.sched.current().dying) return false;
    id = *got;
  }
  k.sched.cpu(k.costs.read_page);
  if (id != host::kNoPage && static_cast<int64_t>(index) != k.host.files[file_index].readahead.prev_index)
    mark_accessed(k, id);
  return true;
}

}  // namespace

bool file_read(Kernel& k, FileIndex file, uint64_t offset, uint64_t bytes, host::CgroupIndex cgroup) {
  if (bytes == 0) return true;
  const uint64_t first = offset >> kPageShift, last = (offset + bytes - 1) >> kPageShift;
  // The program has read up to here, so the file is at least this long.
  k.host.files[file].size_pages = std::max(k.host.files[file].size_pages, static_cast<int64_t>(last) + 1);
  for (uint64_t index = first; index <= last; ++index) {
    if (!read_page(k, file, index, static_cast<int64_t>(last - index + 1), cgroup)) return false;
    k.host.files[file].readahead.prev_index = static_cast<int64_t>(index);
  }
  grow_cache_slab(k, cgroup);
  return true;
}

bool file_write(Kernel& k, FileIndex file, uint64_t offset, uint64_t bytes, host::CgroupIndex cgroup) {
  if (bytes == 0) return true;
  const uint64_t first = offset >> kPageShift, last = (offset + bytes - 1) >> kPageShift;
  for (uint64_t index = first; index <= last; ++index) {
    PageId id = k.host.files[file].page(index);
    if (id == host::kNoPage) id = add_to_page_cache(k, file, index, cgroup, kGfpWrite, 0);
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
  grow_cache_slab(k, cgroup);
  return true;
}

void evict_file_page(Kernel& k, PageId id, host::CgroupIndex target_cgroup) {
  const Page& page = k.host.pages[id];
  const host::Shadow shadow = workingset_eviction(k, page, target_cgroup);
  if (page.slot == host::kNoSlot) return;  // cached before the run, of an unknown file
  File& file = k.host.files[page.slot];
  file.set_shadow(page.vpn, shadow);
  --file.cached;
  detach_buffers(k, id);
  update_shadow_node(k, page.slot, page.vpn);
}

void punch_file(Kernel& k, FileIndex file_index, uint64_t first_index, uint64_t last_index) {
  File& file = k.host.files[file_index];
  std::vector<PageId> dropped;
  std::vector<host::SlotId> swapped;
  std::vector<host::TreeNode> freed;
  file.drop(
      first_index, last_index, [&](PageId id) { dropped.push_back(id); },
      [&](host::SlotId slot) { swapped.push_back(slot); }, [&](const host::TreeNode& node) { freed.push_back(node); });
  file.swapped -= static_cast<int64_t>(swapped.size());
  if (file.in_memory()) count_blocks(k.host, file, -static_cast<int64_t>(dropped.size() + swapped.size()));
  for (const host::SlotId slot : swapped) put_swap_entry(k, slot);
  for (PageId id : dropped) {
    --file.cached;
    if (k.host.pages[id].mapcount > 0) try_to_unmap(k, id);
    if (file.in_memory())
      forget_shmem_page(k, id);
    else
      clear_page_dirty(k, id);
    detach_buffers(k, id);
    if (k.host.pages[id].has(host::kPageWriteback)) --file.writeback;  // the page has no file when its write ends
    k.host.pages[id].slot = host::kNoSlot;
    release_page(k, id, k.sched.current().cpu);
  }
  for (const host::TreeNode& node : freed) {
    forget_shadow_node(k, node);
    drop_tree_node(k, node);
  }
}

void truncate_file(Kernel& k, FileIndex file_index, uint64_t first_index) {
  punch_file(k, file_index, first_index, ~uint64_t{0});
  File& file = k.host.files[file_index];
  file.size_pages = std::min(file.size_pages, static_cast<int64_t>(first_index));
}

}  // namespace oomcast::mm
