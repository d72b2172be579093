// Brings pages back from swap. do_swap_page() and readahead by slot or by address; kernel-spec section 6.3.
#include <algorithm>

#include "model/mm/fault.h"
#include "model/mm/lru.h"
#include "model/mm/memcg.h"
#include "model/mm/mempolicy.h"
#include "model/mm/page_alloc.h"
#include "model/mm/readahead.h"
#include "model/mm/rmap.h"
#include "model/mm/swap.h"
#include "model/mm/workingset.h"
#include "model/mm/zram.h"
#include "model/mm/zswap.h"

namespace oomcast::mm {

using host::AddressSpace;
using host::Page;
using host::PageId;
using host::Process;
using host::ProcessIndex;
using host::Pte;
using host::SlotId;
using host::SwapDevice;
using host::SwapSlot;
using host::Vmstat;

namespace {

constexpr int kVmaOrderCeiling = 5;  // SWAP_RA_ORDER_CEILING
constexpr int64_t kVmaHitsMax = 63;  // SWAP_RA_HITS_MAX
// do_swap_page() fails after this many reads of one page that reclaim evicted again before it was mapped.
constexpr int kReadsMax = 64;

// Tries zswap_load(). True if zswap holds the slot, so no device read is needed.
bool load_from_zswap(Kernel& k, SlotId slot, PageId id) {
  bool loaded = false;
  wait_for_page(k, id, [&] { loaded = zswap_load(k, slot, id); });
  if (loaded) k.host.pages[id].clear(host::kPageLocked);
  return loaded;
}

void count_device_read(Kernel& k, SlotId slot, PageId id) {
  k.host.count(Vmstat::pswpin);
  k.host.count_swap_in(slot);
  k.host.count(Vmstat::pgpgin, kPageBytes / 1024);
  zswap_note_disk_swapin(k, id);
}

// __read_swap_cache_async(): brings one slot into the swap cache, locked. False if the slot is cached already, was
// freed, or no page could be allocated or charged. A page read ahead is allocated by the NUMA policy of `vpn`, the page
// of the fault.
bool read_swap_cache(Kernel& k, ProcessIndex process, uint64_t vpn, SlotId slot_id, bool ahead,
                     std::vector<SwapIo>& reads) {
  SwapDevice& device = k.host.device(slot_id);
  const auto wanted = [&] {
    return device.in_use(slot_id) && device.slot(slot_id).map_count > 0 && !device.slot(slot_id).cached;
  };
  if (!wanted()) return false;
  const host::CgroupIndex cgroup = device.slot(slot_id).cgroup;
  const ZoneRef where = alloc_page_vma(k, kGfpHighUserMovable, process, vpn);
  if (!where.ok()) return false;
  const bool charged = try_charge(k, cgroup);
  if (!charged || !wanted()) {
    if (charged) uncharge(k.host, cgroup, 1);
    free_page(k, where, k.sched.current().cpu);
    return false;
  }
  const PageId id = enter_swap_cache(k, where, slot_id);
  if (ahead) {
    k.host.pages[id].set(host::kPageReadahead);
    k.host.count(Vmstat::swap_ra);
  }
  if (load_from_zswap(k, slot_id, id)) return true;
  count_device_read(k, slot_id, id);
  reads.push_back({id, slot_id});
  return true;
}

// swap_use_vma_readahead(): true if no swap device is rotational.
bool reads_by_address(const Kernel& k) {
  return std::none_of(k.host.swaps.begin(), k.host.swaps.end(),
                      [](const SwapDevice& device) { return device.spec().rotational; });
}

int64_t readahead_pages(Kernel& k, int64_t offset) {
  SwapReadahead& ra = k.swap_readahead;
  const int64_t max_pages = int64_t{1} << k.host.spec.vm.page_cluster;
  if (max_pages <= 1) return 1;
  const int64_t hits = ra.hits;
  ra.hits = 0;
  const int64_t pages = swapin_nr_pages(ra.prev_offset, offset, hits, max_pages, ra.last_pages);
  if (hits == 0) ra.prev_offset = offset;
  ra.last_pages = pages;
  return pages;
}

// swap_cluster_readahead(): the aligned block of slots around the one that faulted.
void cluster_readahead(Kernel& k, ProcessIndex process, uint64_t vpn, SlotId slot_id, std::vector<SwapIo>& reads) {
  const SwapDevice& device = k.host.device(slot_id);
  const int64_t offset = slot_id & SwapDevice::kSlotMask;
  const int64_t pages = readahead_pages(k, offset);
  const SlotId base = slot_id & ~SwapDevice::kSlotMask;
  if (pages > 1) {
    const int64_t first = offset & ~(pages - 1);
    const int64_t last = std::min(offset | (pages - 1), device.total() - 1);
    for (int64_t slot = first; slot <= last; ++slot) {
      if (slot == offset) continue;
      read_swap_cache(k, process, vpn, base | static_cast<SlotId>(slot), true, reads);
    }
  }
  read_swap_cache(k, process, vpn, slot_id, false, reads);
}

struct AddressWindow {
  uint64_t first, last;  // page numbers, `last` not included
};

// swap_ra_info(): the window ahead of, behind or around the page, within its mapping and its page table.
AddressWindow address_window(Kernel& k, Process& process, uint64_t vpn) {
  auto* mapping = process.space.mapping_at(vpn << kPageShift);
  AddressSpace::SwapReadahead& ra = mapping ? mapping->second.swap_readahead : process.space.swap_readahead_elsewhere;
  const int64_t max_pages = int64_t{1} << std::min(k.host.spec.vm.page_cluster, kVmaOrderCeiling);
  if (max_pages <= 1) return {vpn, vpn + 1};
  const int64_t pages =
      swapin_nr_pages(static_cast<int64_t>(ra.vpn), static_cast<int64_t>(vpn), ra.hits, max_pages, ra.window);
  const uint64_t before =
      vpn == ra.vpn + 1 ? 0 : static_cast<uint64_t>(ra.vpn == vpn + 1 ? pages - 1 : (pages - 1) / 2);
  ra = {vpn, pages, 0};
  if (pages == 1) return {vpn, vpn + 1};
  const uint64_t table = vpn / AddressSpace::kLeafPages * AddressSpace::kLeafPages;
  uint64_t floor = table, ceiling = table + AddressSpace::kLeafPages;
  if (mapping) {
    floor = std::max(floor, mapping->first >> kPageShift);
    ceiling = std::min(ceiling, mapping->second.end >> kPageShift);
  }
  const uint64_t first = vpn - std::min(before, vpn - floor);
  return {first, std::min(vpn - before + static_cast<uint64_t>(pages), ceiling)};
}

// swap_vma_readahead(): reads the swapped pages around `vpn` in the address space, wherever their slots are.
void vma_readahead(Kernel& k, ProcessIndex index, uint64_t vpn, SlotId slot_id, std::vector<SwapIo>& reads) {
  Process& process = k.host.processes[index];
  const AddressWindow window = address_window(k, process, vpn);
  for (uint64_t at = window.first; at < window.last; ++at) {
    const Pte pte = process.space.get(at);
    if (at != vpn && pte.is_swapped()) read_swap_cache(k, index, vpn, pte.slot(), true, reads);
  }
  read_swap_cache(k, index, vpn, slot_id, false, reads);
}

// False if no page could be allocated or charged for `vpn`: its PTE still holds the swap entry and the slot is not in
// the swap cache.
bool swapin_readahead(Kernel& k, ProcessIndex process, uint64_t vpn, SlotId slot_id, bool by_address) {
  std::vector<SwapIo> reads;
  if (by_address) {
    vma_readahead(k, process, vpn, slot_id, reads);
  } else {
    cluster_readahead(k, process, vpn, slot_id, reads);
  }
  lru_add_drain(k, k.sched.current().cpu);
  if (!reads.empty()) k.block.submit_swap_reads(reads);
  const Pte now = k.host.processes[process].space.get(vpn);
  return !now.is_swapped() || now.slot() != slot_id || k.host.slot(slot_id).cached;
}

// The part of swap_cache_get_folio() that counts readahead hits.
void note_readahead_hit(Kernel& k, Process& process, uint64_t vpn, Page& page) {
  const bool hit = page.test_and_clear(host::kPageReadahead);
  if (hit) k.host.count(Vmstat::swap_ra_hit);
  if (!reads_by_address(k)) {
    if (hit) ++k.swap_readahead.hits;
    return;
  }
  auto* mapping = process.space.mapping_at(vpn << kPageShift);
  AddressSpace::SwapReadahead& ra = mapping ? mapping->second.swap_readahead : process.space.swap_readahead_elsewhere;
  ra.vpn = vpn;
  if (hit) ra.hits = std::min(ra.hits + 1, kVmaHitsMax);
}

void map_from_cache(Kernel& k, ProcessIndex index, uint64_t vpn, SlotId slot_id, bool write) {
  Process& process = k.host.processes[index];
  SwapSlot& slot = k.host.slot(slot_id);
  const PageId id = slot.page;
  Page& page = k.host.pages[id];
  page.background = false;
  if (page.mapcount == 0) {
    k.host.count_swapped(process.service, -1);
    k.host.count_anon(process.service, 1);
  }
  add_mapper(k, id, index, vpn);
  process.space.set(vpn, Pte::present(id));
  ++process.rss_anon;
  --process.swap_entries;
  --slot.map_count;
  page.set(host::kPageYoung);
  if (!k.follows(host::KernelRule::kAnonStartsInactive)) activate(k, id);
  // A shared anonymous page is not marked dirty here: the write copies it (do_wp_page).
  const bool written = write && !shared_anon(k, page);
  if (written) page.set(host::kPageDirty);
  // A written page gives up its slot, whose copy is stale. A page that was only read keeps it, so that reclaim can drop
  // the page without a write.
  if (slot.map_count == 0 && (written || vm_swap_full(k, page.cgroup()))) free_swap(k, id);
}

enum class DirectSwapIn : uint8_t { kMapped, kChanged, kNoMemory };

// SWP_SYNCHRONOUS_IO: a page with one mapping bypasses the swap cache, and its slot is freed once it is mapped.
DirectSwapIn swap_in_directly(Kernel& k, ProcessIndex index, uint64_t vpn, SlotId slot_id) {
  const host::CgroupIndex cgroup = k.host.slot(slot_id).cgroup;
  const ZoneRef where = alloc_page_vma(k, kGfpHighUserMovable, index, vpn);
  if (!where.ok()) return DirectSwapIn::kNoMemory;
  const bool charged = try_charge(k, cgroup);
  Process& process = k.host.processes[index];
  const Pte pte = process.space.get(vpn);
  if (!charged || !pte.is_swapped() || pte.slot() != slot_id || k.host.slot(slot_id).cached) {
    if (charged) uncharge(k.host, cgroup, 1);
    free_page(k, where, k.sched.current().cpu);
    return charged ? DirectSwapIn::kChanged : DirectSwapIn::kNoMemory;
  }
  const PageId id = new_page(k, where, fresh_anon_flags(k) | host::kPageYoung | host::kPageDirty);
  Page& page = k.host.pages[id];
  page.set_cgroup(cgroup);
  workingset_refault(k, id, k.host.slot(slot_id).shadow);
  // swap_readpage() waits for the data, because the device is memory.
  wait_for_page(k, id, [&] {
    if (zswap_load(k, slot_id, host::kNoPage)) return;
    count_device_read(k, slot_id, id);
    k.sched.cpu(k.host.device(slot_id).spec().times.read_4k);
  });
  lru_add(k, id, k.sched.current().cpu);
  add_mapper(k, id, index, vpn);
  process.space.set(vpn, Pte::present(id));
  ++process.rss_anon;
  --process.swap_entries;
  put_swap_entry(k, slot_id);
  k.host.count_anon(process.service, 1);
  return DirectSwapIn::kMapped;
}

// Waits until the page that holds the slot has its data. False if the task is dying.
bool wait_for_read(Kernel& k, SlotId slot_id) {
  while (true) {
    k.sched.point();  // before the check: between the check and the wait a wake-up would be missed
    const SwapSlot& slot = k.host.slot(slot_id);
    if (!slot.cached || !k.host.pages[slot.page].has(host::kPageLocked)) return true;
    wait_for_readers(k, slot.page);
    if (k.sched.current().dying) return false;
  }
}

}  // namespace

PageId enter_swap_cache(Kernel& k, ZoneRef where, SlotId slot_id) {
  SwapSlot& slot = k.host.slot(slot_id);
  const uint16_t of_file = slot.shmem ? host::kPageFile : 0;
  const PageId id = new_page(
      k, where, static_cast<uint16_t>(host::kPageSwapBacked | host::kPageSwapCache | host::kPageLocked | of_file));
  Page& page = k.host.pages[id];
  page.slot = slot_id;
  page.set_cgroup(slot.cgroup);
  page.background = slot.foreign;
  slot.cached = true;
  slot.page = id;
  memsw_swap_in(k.host, slot);
  workingset_refault(k, id, slot.shadow);
  slot.shadow = {};
  lru_add(k, id, k.sched.current().cpu);
  return id;
}

bool read_for_shmem(Kernel& k, ProcessIndex index, uint64_t vpn, SlotId slot_id, bool fault) {
  const SwapSlot& slot = k.host.slot(slot_id);
  if (!slot.cached) {
    const Nanoseconds begin = stall_enter(k);
    if (fault) k.host.count_with(k.host.processes[index].cgroup, Vmstat::pgmajfault);
    k.sched.cpu(k.costs.swap_fault);
    swapin_readahead(k, index, vpn, slot_id, false);
    const bool no_memory = !slot.cached && slot.shmem && slot.map_count > 0;
    const bool read = !no_memory && wait_for_read(k, slot_id);
    stall_leave(k, begin, Stalled::kSwapIn);
    return read && !k.sched.current().dying;
  }
  if (k.host.pages[slot.page].test_and_clear(host::kPageReadahead)) {
    k.host.count(Vmstat::swap_ra_hit);
    if (!reads_by_address(k)) ++k.swap_readahead.hits;
  }
  return wait_for_read(k, slot_id) && !k.sched.current().dying;
}

int64_t swapin_nr_pages(int64_t prev_offset, int64_t offset, int64_t hits, int64_t max_pages, int64_t prev_window) {
  int64_t pages = hits + 2;
  if (pages == 2) {
    if (offset != prev_offset + 1 && offset != prev_offset - 1) pages = 1;
  } else {
    int64_t rounded = 4;
    while (rounded < pages) rounded <<= 1;
    pages = rounded;
  }
  return std::max(std::min(pages, max_pages), prev_window / 2);
}

bool do_swap_page(Kernel& k, ProcessIndex index, uint64_t vpn, bool write) {
  bool major = false;
  for (int reads = 0; reads < kReadsMax; ++reads) {
    const Pte pte = k.host.processes[index].space.get(vpn);
    if (!pte.is_swapped()) return true;
    const SlotId slot_id = pte.slot();
    const SwapSlot& slot = k.host.slot(slot_id);
    if (slot.cached && !k.host.pages[slot.page].has(host::kPageLocked)) {
      Page& page = k.host.pages[slot.page];
      note_readahead_hit(k, k.host.processes[index], vpn, page);
      map_from_cache(k, index, vpn, slot_id, write);
      return true;
    }
    if (!slot.cached) {
      if (!major) {
        major = true;
        k.host.count_with(k.host.processes[index].cgroup, Vmstat::pgmajfault);
        k.sched.cpu(k.costs.swap_fault);
      }
      if (is_zram(k, slot_id) && slot.map_count == 1) {
        const DirectSwapIn result = swap_in_directly(k, index, vpn, slot_id);
        if (result == DirectSwapIn::kMapped) return true;
        if (result == DirectSwapIn::kNoMemory || k.sched.current().dying) return false;
        continue;
      }
    }
    const Nanoseconds begin = stall_enter(k);
    const bool read =
        (slot.cached || swapin_readahead(k, index, vpn, slot_id, reads_by_address(k))) && wait_for_read(k, slot_id);
    stall_leave(k, begin, Stalled::kSwapIn);
    if (!read || k.sched.current().dying) return false;
  }
  return false;
}

}  // namespace oomcast::mm
