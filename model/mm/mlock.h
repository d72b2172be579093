// Keeps locked memory where it is. mlock(), munlock(), mlockall() and what VM_LOCKED does to pages that come and go.
//
// Mirrors mm/mlock.c of Linux 6.1 and 6.12; kernel-spec section 10.7. A page that some locked mapping maps is on the
// unevictable list. Differs: pages are moved at once, not in batches of 15; how many locked mappings a page has is
// looked up, not counted. What is used in a locked range is brought back here; fresh memory that the kernel faults in
// for mlock() comes as touches of the program, as it comes when it is used.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// mlock2(), and munlock() with kNone.
void lock_range(Kernel& k, host::ProcessIndex process, uint64_t start, uint64_t bytes, host::LockMode mode);
/// mlockall(): what is mapped, and what will be. Neither: munlockall().
void lock_all(Kernel& k, host::ProcessIndex process, bool current, bool future, host::LockMode mode);
/// mremap() has moved pages into the range: while they moved no mapping held them, and whoever else let go of one then
/// has unlocked it.
void relock_range(Kernel& k, host::ProcessIndex process, uint64_t first_vpn, uint64_t last_vpn);

/// A mapper has come: if its mapping is locked, the page stays (mlock_vma_folio).
void mlock_mapped(Kernel& k, host::PageId id, const host::Process& process, uint64_t vpn);
/// A mapper has gone, or a mapping is locked no more: without another that is, reclaim may have the page
/// (munlock_vma_folio).
void munlock_if_free(Kernel& k, host::PageId id);

}  // namespace oomcast::mm
