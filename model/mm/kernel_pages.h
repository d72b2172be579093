// Takes and gives back single pages that the kernel itself needs: page tables, and the memory of tasks.
//
// Stands for alloc_pages(GFP_KERNEL_ACCOUNT) of order 0 and its uncharge (mm/page_alloc.c, mm/memcontrol.c).
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// A page, charged to `payer`; the root pays nothing. May reclaim, sleep and kill. Not ok() if the task is to die or
/// there is no memory: then nothing is taken.
ZoneRef alloc_kernel_page(Kernel& k, host::CgroupIndex payer);
/// Gives such a page back, and `payer` its charge.
void free_kernel_page(Kernel& k, ZoneRef where, host::CgroupIndex payer);

}  // namespace oomcast::mm
