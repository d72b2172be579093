// Chooses the swap slot of a page, and frees it again. Devices, clusters and the per-CPU caches;
// kernel-spec 6.1.
//
// Mirrors get_swap_pages(), scan_swap_map_slots() and scan_swap_map_try_ssd_cluster() (mm/swapfile.c) and
// mm/swap_slots.c of Linux 6.1. Differs: a disk that does not turn is used cluster by cluster as in 6.1 on 6.12, too
// (no lists of half-used clusters); clusters are taken in ascending order at first; a cgroup's account of a slot ends
// when the slot is freed, not when its cache is emptied.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// folio_alloc_swap(): a slot for one page, or kNoSlot.
host::SlotId alloc_swap_slot(Kernel& k);
/// free_swap_slot(): nobody holds the slot any more.
void free_swap_slot(Kernel& k, host::SlotId id);

}  // namespace oomcast::mm
