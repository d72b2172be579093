// Single pages for the kernel itself: page tables, and the memory of tasks.
//
// Stands for alloc_pages(GFP_KERNEL_ACCOUNT) of order 0 and its uncharge (mm/page_alloc.c, mm/memcontrol.c).
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// Allocates a page and charges it to `payer` (the root: not charged). May reclaim, sleep and kill. Not ok(): the task
/// is dying, or there is no memory; nothing is charged.
ZoneRef alloc_kernel_page(Kernel& k, host::CgroupIndex payer);
/// Frees the page and uncharges `payer`.
void free_kernel_page(Kernel& k, ZoneRef where, host::CgroupIndex payer);

}  // namespace oomcast::mm
