// Adds pages to LRU lists and removes them: per-CPU batches, activation, rotation, freeing.
//
// Mirrors folio_add_lru(), lru_add_drain(), folio_rotate_reclaimable() and folio_mark_accessed() in mm/swap.c. Differs:
// activations take effect at once (the kernel batches 15 of them).
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// Creates a page for memory that alloc_page() has returned. The page is on no list yet.
host::PageId new_page(Kernel& k, ZoneRef where, uint16_t flags);
/// folio_add_lru(): adds a new page to the CPU's batch, which is drained when it is full.
void lru_add(Kernel& k, host::PageId id, host::CpuIndex cpu);
/// lru_add_drain(): moves the pages of the CPU's batches to their lists.
void lru_add_drain(Kernel& k, host::CpuIndex cpu);
/// folio_rotate_reclaimable(): after the page's write: it will move to the tail of the inactive list.
void rotate_reclaimable(Kernel& k, host::PageId id, host::CpuIndex cpu);
/// Adds the page to the head of the list, or with the multi-gen LRU to its generation. A locked page goes to the
/// unevictable list.
void put_on_list(Kernel& k, host::PageId id, host::LruKindIndex list);
void take_off_list(Kernel& k, host::PageId id);
/// The list that the page's flags ask for.
host::LruKindIndex list_for(const host::Page& page);
/// The page's last user is gone: frees the page. A page under I/O is freed when that ends.
void release_page(Kernel& k, host::PageId id, host::CpuIndex cpu);
/// Flags of a new anonymous page. Before Linux 5.9 it starts on the active list.
uint16_t fresh_anon_flags(const Kernel& k);
/// folio_activate(): moves an inactive page to the active list, also out of a batch.
void activate(Kernel& k, host::PageId id);
/// folio_mark_accessed().
void mark_accessed(Kernel& k, host::PageId id);

}  // namespace oomcast::mm
