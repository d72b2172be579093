// Allocates and frees swap slots: devices, clusters and the per-CPU slot caches; kernel-spec 6.1.
//
// Mirrors get_swap_pages(), scan_swap_map_slots() and scan_swap_map_try_ssd_cluster() (mm/swapfile.c) and
// mm/swap_slots.c of Linux 6.1. Differs: on 6.12, too, a device that is not rotational is used cluster by cluster as
// in 6.1 (no lists of half-used clusters); clusters are taken in ascending order at first; a slot is uncharged from its
// cgroup when it is freed, not when the per-CPU cache is emptied.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// folio_alloc_swap(): a slot for one page, or kNoSlot.
host::SlotId alloc_swap_slot(Kernel& k);
/// free_swap_slot(). REQUIRES: no PTE, no file and no page of the swap cache holds the slot.
void free_swap_slot(Kernel& k, host::SlotId id);

}  // namespace oomcast::mm
