// Puts pages onto lists, and takes them off for good. Per-CPU batches, activation, rotation, freeing.
//
// Mirrors folio_add_lru(), lru_add_drain(), folio_rotate_reclaimable(), folio_mark_accessed() in mm/swap.c. Differs:
// activations are applied at once (the kernel batches 15 of them).
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// Creates a page for memory that alloc_page() handed out; on no list yet.
host::PageId new_page(Kernel& k, ZoneRef where, uint16_t flags);
/// Puts a new page into this CPU's batch; the batch goes to the lists when it is full.
void lru_add(Kernel& k, host::PageId id, host::CpuIndex cpu);
void lru_add_drain(Kernel& k, host::CpuIndex cpu);
/// Marks for a move to the inactive tail (its write has ended).
void rotate_reclaimable(Kernel& k, host::PageId id, host::CpuIndex cpu);
void put_on_list(Kernel& k, host::PageId id, host::LruKindIndex list);
void take_off_list(Kernel& k, host::PageId id);
/// The list that the flags of the page ask for.
host::LruKindIndex list_for(const host::Page& page);
/// The last user of the page is gone. Pages under I/O are freed when it ends.
void release_page(Kernel& k, host::PageId id, host::CpuIndex cpu);
/// What new anonymous memory is, in the list that it goes to. Before Linux 5.9 it is active.
uint16_t fresh_anon_flags(const Kernel& k);
/// Moves a page that is not active to the active list, whichever list or batch it is in (folio_activate()).
void activate(Kernel& k, host::PageId id);
/// folio_mark_accessed().
void mark_accessed(Kernel& k, host::PageId id);

}  // namespace oomcast::mm
