// Locks memory: mlock(), munlock(), mlockall(), and what VM_LOCKED does to pages that are mapped and unmapped.
//
// Mirrors mm/mlock.c of Linux 6.1 and 6.12; kernel-spec section 10.7. A page with at least one locked mapping is on the
// unevictable list. Differs: pages are moved at once, not in batches of 15, and a page's locked mappings are looked up,
// not counted. Pages that were used before and are swapped out or dropped are brought back here. Fresh pages that
// mlock() faults in come as touches of the program.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// mlock2() for a range in bytes; with kNone munlock(). May fault pages in.
void lock_range(Kernel& k, host::ProcessIndex process, uint64_t start, uint64_t bytes, host::LockMode mode);
/// mlockall(): `current` for present mappings, `future` for later ones; neither: munlockall().
void lock_all(Kernel& k, host::ProcessIndex process, bool current, bool future, host::LockMode mode);
/// After mremap() has moved pages into the range. While they moved no mapping held them, so another process that
/// unmapped one may have unlocked it.
void relock_range(Kernel& k, host::ProcessIndex process, uint64_t first_vpn, uint64_t last_vpn);

/// mlock_vma_folio(): the page was mapped. Locks it if that mapping is locked.
void mlock_mapped(Kernel& k, host::PageId id, const host::Process& process, uint64_t vpn);
/// munlock_vma_folio(): the page was unmapped, or a mapping was unlocked. Makes the page evictable unless another
/// locked mapping has it.
void munlock_if_free(Kernel& k, host::PageId id);

}  // namespace oomcast::mm
