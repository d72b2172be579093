// Charges what swapping to compressed memory costs. Pages stored in RAM, written and read at once; kernel-spec 6.3
// and 6.5.
//
// Mirrors zram_write_page() and zram_free_page() (drivers/block/zram) and the SWP_SYNCHRONOUS_IO path of
// do_swap_page(). Differs: every page compresses alike (SwapSpec::zram_percent), and zsmalloc packs without loss: what
// is stored takes that share of as many pages, rounded up. No writeback to a backing device.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

bool is_zram(const Kernel& k, host::SlotId slot);
/// Stores the page of the swap cache in its slot, now. False when there is no memory to store it in; it stays dirty.
bool zram_write(Kernel& k, host::PageId id);
/// The slot's data is not needed any more.
void zram_free(Kernel& k, host::SlotId slot);

}  // namespace oomcast::mm
