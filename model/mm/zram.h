// zram: swap to compressed memory. Pages are stored in RAM, written and read synchronously; kernel-spec 6.3 and 6.5.
//
// Mirrors zram_write_page() and zram_free_page() (drivers/block/zram), and the SWP_SYNCHRONOUS_IO path of
// do_swap_page(). Differs: all pages compress alike (SwapSpec::zram_percent), and zsmalloc packs without loss: the pool
// has that share of the stored pages, rounded up. No writeback to a backing device.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// Whether the slot is on a zram device.
bool is_zram(const Kernel& k, host::SlotId slot);
/// Stores the swap-cache page in its slot, synchronously. False: there is no memory for it, and the page stays dirty.
bool zram_write(Kernel& k, host::PageId id);
/// Frees what is stored in the slot.
void zram_free(Kernel& k, host::SlotId slot);

}  // namespace oomcast::mm
