// Memory that is a file. See shmem.h.
#include "model/mm/shmem.h"

#include <algorithm>
#include <utility>

#include "model/mm/cache_slab.h"
#include "model/mm/lru.h"
#include "model/mm/memcg.h"
#include "model/mm/mempolicy.h"
#include "model/mm/page_alloc.h"
#include "model/mm/page_cache.h"
#include "model/mm/readahead.h"
#include "model/mm/swap.h"
#include "model/mm/tmpfs.h"

namespace oomcast::mm {

using host::File;
using host::FileIndex;
using host::Page;
using host::PageId;
using host::ProcessIndex;
using host::SlotId;

namespace {

constexpr uint64_t kPagesPerPoint = 4;          // others get to run that often within one call
constexpr int kTriesMax = 64;                   // times that reclaim takes a page again before it is used: given up
constexpr Nanoseconds kWritebackLook{100'000};  // how often a page under writeback is looked at again

void count_shmem(Kernel& k, const Page& page, FileIndex file, int64_t by) {
  k.host.count_anon(k.host.files[file].service, by);
  if (page.shmem()) k.host.nodes[page.node()].nr_shmem += by;
}

void leave_site(Kernel& k, Page& page) {
  if (page.stack_id != 0) --k.host.sites[page.stack_id].resident;
  page.stack_id = 0;
}

// By first use, as anonymous memory counts: whoever uses it later finds it there.
void note_first_use(Kernel& k, ProcessIndex index, Page& page) {
  ++k.host.processes[index].touched_pages;
  ++k.host.guest_touched;
  const uint32_t stack = k.sched.current().stack_id;
  if (stack == 0) return;
  page.stack_id = stack & host::kStackIdMax;
  host::SiteCount& site = k.host.sites[stack];
  ++site.touched;
  site.resident_peak = std::max(site.resident_peak, ++site.resident);
}

// shmem_alloc_and_acct_folio() and shmem_add_to_page_cache(). False: no memory, or the task is dying.
bool fill_hole(Kernel& k, ProcessIndex index, uint64_t vpn, FileIndex file_index, uint64_t page_index, ShmemUse use) {
  const host::CgroupIndex cgroup = k.host.processes[index].cgroup;
  ask_for_block(k, index, k.host.files[file_index], use == ShmemUse::kFault);
  const ZoneRef where = alloc_page_vma(k, kGfpHighUserMovable, index, vpn);
  if (!where.ok()) return false;
  const bool charged = try_charge(k, cgroup);
  const File& file = k.host.files[file_index];
  const bool taken = file.page(page_index) != host::kNoPage || file.swapped_page(page_index) != host::kNoSlot;
  if (!charged || taken || k.sched.current().dying) {
    if (charged) uncharge(k.host, cgroup, 1);
    free_page(k, where, k.sched.current().cpu);
    return charged && !k.sched.current().dying;
  }
  const uint16_t kind =
      file.home == host::FileHome::kShmem ? host::kPageSwapBacked | host::kPageDirty : host::kPageMlocked;
  const uint16_t used = use == ShmemUse::kWrite ? host::kPageReferenced : 0;
  const PageId id =
      insert_into_file(k, file_index, page_index, where, cgroup, static_cast<uint16_t>(kind | used), false);
  count_shmem(k, k.host.pages[id], file_index, 1);
  count_blocks(k.host, file, 1);
  note_first_use(k, index, k.host.pages[id]);
  k.sched.cpu(k.costs.fault);
  return true;
}

// From the swap cache into the file: the slot is free (shmem_swapin_folio). REQUIRES: cached, its data there, not under
// writeback.
void take_from_swap_cache(Kernel& k, FileIndex file_index, uint64_t page_index, SlotId slot_id) {
  host::SwapSlot& slot = k.host.slot(slot_id);
  const PageId id = slot.page;
  slot.map_count = 0;
  k.host.count_swapped(k.host.files[file_index].service, -1);
  remove_from_swap_cache(k, id, false);
  Page& page = k.host.pages[id];
  page.slot = file_index;
  page.set_vpn(page_index);
  page.set(host::kPageDirty);
  File& file = k.host.files[file_index];
  file.set_page(page_index, id);
  ++file.cached;
  --file.swapped;
  count_shmem(k, page, file_index, 1);
}

// False: the task is dying, or there is no memory.
bool swap_in(Kernel& k, ProcessIndex index, uint64_t vpn, FileIndex file, uint64_t page_index, SlotId slot_id,
             ShmemUse use) {
  if (!read_for_shmem(k, index, vpn, slot_id, use == ShmemUse::kFault)) return false;
  if (k.host.files[file].swapped_page(page_index) != slot_id || !k.host.slot(slot_id).cached) return true;
  while (k.host.pages[k.host.slot(slot_id).page].has(host::kPageWriteback)) {
    if (k.sched.current().dying) return false;
    k.sched.sleep(kWritebackLook);
    // Written, it may be gone from the cache.
    if (k.host.files[file].swapped_page(page_index) != slot_id || !k.host.slot(slot_id).cached)
      return !k.sched.current().dying;
  }
  take_from_swap_cache(k, file, page_index, slot_id);
  return true;
}

void hold(Kernel& k, ProcessIndex index, FileIndex file) {
  if (k.host.processes[index].held_files.insert(file).second) ++k.host.files[file].holders;
}

}  // namespace

void share_held_files(Kernel& k, ProcessIndex parent, ProcessIndex child) {
  for (const FileIndex file : k.host.processes[parent].held_files) hold(k, child, file);
}

void release_held_files(Kernel& k, ProcessIndex index) {
  for (const FileIndex file : std::exchange(k.host.processes[index].held_files, {}))
    if (--k.host.files[file].holders == 0 && k.host.files[file].nameless) truncate_file(k, file, 0);
}

PageId shmem_page(Kernel& k, ProcessIndex index, uint64_t vpn, FileIndex file_index, uint64_t page_index,
                  ShmemUse use) {
  hold(k, index, file_index);
  for (int tries = 0; tries < kTriesMax && !k.sched.current().dying; ++tries) {
    const PageId id = k.host.files[file_index].page(page_index);
    if (id != host::kNoPage) return id;
    const SlotId slot = k.host.files[file_index].swapped_page(page_index);
    const bool going_on = slot == host::kNoSlot ? fill_hole(k, index, vpn, file_index, page_index, use)
                                                : swap_in(k, index, vpn, file_index, page_index, slot, use);
    if (!going_on) return host::kNoPage;
  }
  return host::kNoPage;
}

bool shmem_read(Kernel& k, ProcessIndex process, FileIndex file, uint64_t offset, uint64_t bytes) {
  if (bytes == 0) return true;
  const uint64_t first = offset >> kPageShift, last = (offset + bytes - 1) >> kPageShift;
  for (uint64_t index = first; index <= last; ++index) {
    k.sched.cpu(k.costs.read_page);
    const bool hole =
        k.host.files[file].page(index) == host::kNoPage && k.host.files[file].swapped_page(index) == host::kNoSlot;
    if (!hole) {
      const PageId id = shmem_page(k, process, 0, file, index, ShmemUse::kWrite);
      if (id == host::kNoPage) return false;
      mark_accessed(k, id);
    }
    if (index % kPagesPerPoint == 0) k.sched.point();
    if (k.sched.current().dying) return false;
  }
  return true;
}

bool shmem_write(Kernel& k, ProcessIndex process, FileIndex file, uint64_t offset, uint64_t bytes) {
  if (bytes == 0) return true;
  const uint64_t first = offset >> kPageShift, last = (offset + bytes - 1) >> kPageShift;
  for (uint64_t index = first; index <= last; ++index) {
    const bool fresh =
        k.host.files[file].page(index) == host::kNoPage && k.host.files[file].swapped_page(index) == host::kNoSlot;
    const PageId id = shmem_page(k, process, 0, file, index, ShmemUse::kWrite);
    if (id == host::kNoPage) return false;
    if (!fresh) mark_accessed(k, id);
    k.sched.cpu(k.costs.read_page);
    if (index % kPagesPerPoint == 0) k.sched.point();
    if (k.sched.current().dying) return false;
  }
  k.host.files[file].size_pages = std::max(k.host.files[file].size_pages, static_cast<int64_t>(last) + 1);
  grow_cache_slab(k, k.host.processes[process].cgroup);
  return true;
}

bool shmem_to_swap(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  const FileIndex file_index = page.slot;
  if (!add_to_swap(k, id)) return false;
  host::SwapSlot& slot = k.host.slot(page.slot);
  slot.map_count = 1;
  slot.shmem = true;
  slot.foreign = page.background;
  // Of a file that stood on the host before the run we have no tree.
  if (file_index == host::kNoSlot) {
    --k.host.nodes[page.node()].nr_shmem;
    return true;
  }
  count_shmem(k, page, file_index, -1);
  leave_site(k, page);
  const uint8_t service = k.host.files[file_index].service;
  slot.service = service;
  k.host.count_swapped(service, 1);
  k.host.count_taken(service, k.sched.current().service);
  File& file = k.host.files[file_index];
  file.set_swapped(page.vpn, page.slot);
  --file.cached;
  ++file.swapped;
  return true;
}

void forget_shmem_page(Kernel& k, PageId id) {
  Page& page = k.host.pages[id];
  count_shmem(k, page, page.slot, -1);
  leave_site(k, page);
}

}  // namespace oomcast::mm
