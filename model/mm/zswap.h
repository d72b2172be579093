// zswap: keeps swapped-out pages compressed in memory, in front of the swap device; kernel-spec section 6.5.
//
// Mirrors zswap_store(), zswap_load() and zswap_invalidate() (mm/zswap.c) of Linux 6.1 and 6.12, the zeromap of 6.12
// (mm/page_io.c). zswap_writeback.cc mirrors the writeback to the device. A stored page occupies its slot on the device
// too. Differs: every page compresses alike (ZswapSpec::stored_percent), so no page is rejected for its content; a
// fixed share of the pages is same-filled, spread evenly; entries from before the run stay in the pool; the zeromap is
// kept only with zswap on.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// Called by swap_writepage() before the device. True: the page is stored and clean. False: it has to be written to the
/// device.
bool zswap_store(Kernel& k, host::PageId id);
/// Whether zswap or the zeromap has the data of this slot.
inline bool in_zswap(const Kernel& k, host::SlotId slot) { return k.host.zswap.entries.contains(slot); }
/// Called by swap_read_folio() before the device. True: the data was loaded. With a page of the swap cache {6.9} the
/// entry is freed and the page becomes dirty.
bool zswap_load(Kernel& k, host::SlotId slot, host::PageId into_swap_cache);
/// Frees the entry of the slot, which was freed or whose data is stale.
void zswap_invalidate(Kernel& k, host::SlotId slot);
/// {6.8} memory.zswap.writeback of the group and its ancestors: whether its pages may be written to a device.
bool zswap_writeback_enabled(const Kernel& k, host::CgroupIndex group);
/// {6.8} zswap_folio_swapin(): counts a page that had to be read from the device.
void zswap_note_disk_swapin(Kernel& k, host::PageId id);

// zswap_writeback.cc

/// queue_work(shrink_wq, ...): has the worker write entries back.
void zswap_queue_worker(Kernel& k);
/// The kernel's worker thread, which runs shrink_worker(). Never returns.
void zswap_worker_main(Kernel& k);
/// {6.8} shrink_memcg(): writes back the oldest entry of the group on each node. False: none was written.
bool zswap_shrink_group(Kernel& k, host::CgroupIndex group);
/// {6.8} The zswap shrinker: writes old entries back, as many as reclaim at this priority asks for.
void zswap_shrink(Kernel& k, host::NodeIndex node, host::CgroupIndex group, int priority);

// Shared by the two files.

/// The list that an entry of this node and group is on.
host::Zswap::List zswap_list_of(const Kernel& k, host::NodeIndex node, host::CgroupIndex group);
int64_t zswap_max_pages(const Kernel& k);
int64_t zswap_accept_pages(const Kernel& k);

}  // namespace oomcast::mm
