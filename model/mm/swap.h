// Takes pages to swap and back. Slots, the swap cache, writing out, reading in with readahead.
//
// Mirrors add_to_swap(), get_swap_page() with its per-CPU slot cache, swap_writepage(), folio_free_swap(),
// do_swap_page() and swap_cluster_readahead() (mm/swapfile.c, swap_slots.c, swap_state.c, page_io.c, memory.c) of
// Linux 6.1. Differs: rotational devices only (cluster readahead, no THP swap).
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// Collects the writes of one shrink_lruvec (blk_plug); adjacent slots become one request. A request needs a place at
/// the device (blk_wbt.h) before it goes out.
class SwapPlug {
 public:
  explicit SwapPlug(Kernel& k);
  ~SwapPlug();
  SwapPlug(const SwapPlug&) = delete;
  SwapPlug& operator=(const SwapPlug&) = delete;
  /// Waits until every request has its place at the device. What has one by then is submitted if there is a wait.
  void throttle();
  /// throttle(), and everything is submitted.
  void flush();

 private:
  friend void write_to_device(Kernel& k, host::PageId id);
  struct Request {
    std::vector<SwapIo> pages;
    bool admitted = false;
  };
  void add(SwapIo io);
  void submit_admitted();
  Kernel& k_;
  SwapPlug* outer_;
  std::vector<Request> requests_;
};

/// Gives the page a slot and puts it into the swap cache, dirty. False when swap is full.
bool add_to_swap(Kernel& k, host::PageId id);
/// Starts writing the page; end_swap_write() follows. REQUIRES: kPageSwapCache, inside a SwapPlug of this actor.
void swap_writepage(Kernel& k, host::PageId id);
/// __swap_writepage(): the same for who does not reclaim; nr_vmscan_write does not count it.
void write_to_device(Kernel& k, host::PageId id);
/// The page of memory `where`, for which somebody is charged, becomes that of the slot: in the swap cache, locked, on
/// its way to a list. REQUIRES: the slot is in use and has none.
host::PageId enter_swap_cache(Kernel& k, ZoneRef where, host::SlotId slot);
void end_swap_write(Kernel& k, host::PageId id, host::CpuIndex cpu);
/// Takes the page out of the swap cache; `evicted` leaves a shadow in the slot.
void remove_from_swap_cache(Kernel& k, host::PageId id, bool evicted,
                            host::CgroupIndex target_cgroup = host::kRootCgroup);
/// folio_free_swap(): gives the slot back when nobody else needs it; the page is dirty again.
bool free_swap(Kernel& k, host::PageId id);
/// Less than half of the swap is free.
/// With a cgroup, or its group has used half of its memory.swap.high or .max (mem_cgroup_swap_full).
bool vm_swap_full(const Kernel& k, host::CgroupIndex cgroup);
/// Others use this page of memory too: they map it, or hold the swap entry that it has in the swap cache.
bool shared_anon(const Kernel& k, const host::Page& page);
/// One PTE that held the entry is gone.
void put_swap_entry(Kernel& k, host::SlotId slot);

/// A swapped-out page is used again. Gives whether the page is mapped now (false: the task is dying, or there is no
/// memory for the page: VM_FAULT_OOM).
bool do_swap_page(Kernel& k, host::ProcessIndex process, uint64_t vpn, bool write);

/// A page that a file has in `slot` is used: brings it into the swap cache and waits for its data (shmem_swapin).
/// Neighbouring slots are read ahead, whatever the device. Only a `fault` counts as a major one, read() and write() do
/// not. False: the task is dying, or there is no memory. It may be gone from the cache again.
bool read_for_shmem(Kernel& k, host::ProcessIndex process, uint64_t vpn, host::SlotId slot, bool fault);

/// Pages of the readahead window (__swapin_nr_pages); spec section 17.7.
int64_t swapin_nr_pages(int64_t prev_offset, int64_t offset, int64_t hits, int64_t max_pages, int64_t prev_window);

}  // namespace oomcast::mm
