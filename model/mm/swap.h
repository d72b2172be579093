// Swaps pages out and in: the swap cache, writes to the device, and reads with readahead.
//
// Mirrors add_to_swap(), swap_writepage(), folio_free_swap(), do_swap_page(), swap_cluster_readahead() and
// swap_vma_readahead() (mm/swapfile.c, swap_state.c, page_io.c, memory.c) of Linux 6.1. Slots are chosen in
// swap_slots.h.
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
  /// Waits until every request has its place at the device. If it has to wait, requests that have one are submitted.
  void throttle();
  /// throttle(), then submits all requests.
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

/// add_to_swap(): allocates a slot for the page and puts it into the swap cache, dirty. False: there is no free slot.
bool add_to_swap(Kernel& k, host::PageId id);
/// Starts writing the page; end_swap_write() follows. REQUIRES: kPageSwapCache, inside a SwapPlug of this actor.
void swap_writepage(Kernel& k, host::PageId id);
/// __swap_writepage(): the same for a caller that does not reclaim; nr_vmscan_write does not count it.
void write_to_device(Kernel& k, host::PageId id);
/// Makes the memory `where` the slot's page: in the swap cache, locked, in the LRU batch of this CPU. REQUIRES: `where`
/// is charged, the slot is in use and has no page.
host::PageId enter_swap_cache(Kernel& k, ZoneRef where, host::SlotId slot);
void end_swap_write(Kernel& k, host::PageId id, host::CpuIndex cpu);
/// Takes the page out of the swap cache; `evicted` leaves a shadow in the slot.
void remove_from_swap_cache(Kernel& k, host::PageId id, bool evicted,
                            host::CgroupIndex target_cgroup = host::kRootCgroup);
/// folio_free_swap(): frees the page's slot and makes the page dirty. False: it has no slot, is being written, or a
/// swap entry still needs the slot.
bool free_swap(Kernel& k, host::PageId id);
/// vm_swap_full(), mem_cgroup_swap_full(): more than half of the swap is used, or of the cgroup's memory.swap.high or
/// .max.
bool vm_swap_full(const Kernel& k, host::CgroupIndex cgroup);
/// Whether a second PTE maps the page, or any PTE holds the swap entry that it has in the swap cache.
bool shared_anon(const Kernel& k, const host::Page& page);
/// swap_free(): one PTE less holds the swap entry.
void put_swap_entry(Kernel& k, host::SlotId slot);

/// The fault on a swapped-out page. True: the page is mapped. False: the task is dying, or there is no memory for the
/// page (VM_FAULT_OOM).
bool do_swap_page(Kernel& k, host::ProcessIndex process, uint64_t vpn, bool write);

/// shmem_swapin(): brings the page that a file has in `slot` into the swap cache and waits for its data. Neighbouring
/// slots are read ahead on every device. A `fault` counts as a major fault; read() and write() do not. True: the data
/// was read, though reclaim may have evicted the page again. False: the task is dying, or there is no memory.
bool read_for_shmem(Kernel& k, host::ProcessIndex process, uint64_t vpn, host::SlotId slot, bool fault);

/// Pages of the readahead window (__swapin_nr_pages); spec section 17.7.
int64_t swapin_nr_pages(int64_t prev_offset, int64_t offset, int64_t hits, int64_t max_pages, int64_t prev_window);

}  // namespace oomcast::mm
