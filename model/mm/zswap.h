// Keeps swapped-out pages in memory, compressed, before they get to the device. zswap; kernel-spec section 6.5.
//
// Mirrors zswap_store(), zswap_load() and zswap_invalidate() (mm/zswap.c) of Linux 6.1 and 6.12, the zeromap of 6.12
// (mm/page_io.c), and in zswap_writeback.cc the way back to the device. The slot on the device is taken all the same.
// Differs: every page compresses alike (ZswapSpec::stored_percent), so none is refused for its content; which pages are
// of one value is a share, spread evenly; what the pool held before the run stays there; the zeromap is kept only where
// zswap is on.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// swap_writepage() before the device: true when the page is kept; it is clean then. False: to the device with it.
bool zswap_store(Kernel& k, host::PageId id);
/// The data of this slot need not be read from the device.
inline bool in_zswap(const Kernel& k, host::SlotId slot) { return k.host.zswap.entries.contains(slot); }
/// swap_read_folio() before the device: true when the data was here. In the swap cache {6.9} the entry goes, and the
/// page is dirty.
bool zswap_load(Kernel& k, host::SlotId slot, host::PageId into_swap_cache);
/// The slot is free, or its data stale.
void zswap_invalidate(Kernel& k, host::SlotId slot);
/// memory.zswap.writeback of the group and those above it {6.8}: may its pages go to a device at all?
bool zswap_writeback_enabled(const Kernel& k, host::CgroupIndex group);
/// zswap_folio_swapin() {6.8}: a page had to be read from the device.
void zswap_note_disk_swapin(Kernel& k, host::PageId id);

// zswap_writeback.cc

/// Has the worker make room.
void zswap_queue_worker(Kernel& k);
void zswap_worker_main(Kernel& k);
/// {6.8} shrink_memcg(): one entry of the group on each node goes to the device. False: none did.
bool zswap_shrink_group(Kernel& k, host::CgroupIndex group);
/// {6.8} The shrinker: reclaim at this priority writes old entries back.
void zswap_shrink(Kernel& k, host::NodeIndex node, host::CgroupIndex group, int priority);

// Shared by the two files.

/// The list that an entry of this node and group is on.
host::Zswap::List zswap_list_of(const Kernel& k, host::NodeIndex node, host::CgroupIndex group);
int64_t zswap_max_pages(const Kernel& k);
int64_t zswap_accept_pages(const Kernel& k);

}  // namespace oomcast::mm
