// Deferred splitting: keeps the unmapped pages of a huge page allocated until the huge page is split.
//
// Mirrors deferred_split_huge_page(), deferred_split_scan() and the part of split_huge_page() that frees unmapped pages
// (mm/huge_memory.c) of Linux 6.1. An unmapped page of a huge page stays on the LRU lists and charged to its group. It
// is freed when reclaim meets the huge page, when the shrinker takes the huge page off its group's queue, or when no
// page of the huge page is mapped any more. Differs: fork(), mremap() and MADV_FREE of the mapped part split the huge
// page at once; no page of a huge page that fork() has shared is kept; a huge page without unmapped pages is split
// together with its PMD, as no memory depends on it.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// A part of the huge page at `first_vpn` is about to be unmapped: queues it. REQUIRES: all of it is mapped.
void deferred_split_huge_page(Kernel& k, host::ProcessIndex process, uint64_t first_vpn, host::CgroupIndex cgroup);
/// The last mapping of the page at `vpn` is gone. True: the page is kept, or has been freed with its whole huge page.
bool hold_unmapped_page(Kernel& k, host::ProcessIndex process, uint64_t vpn, host::PageId id);
/// split_huge_page() by reclaim, which has isolated the page: frees the unmapped pages that reclaim has not isolated
/// too. True: the page itself is unmapped, and the caller has to free it.
bool split_for_reclaim(Kernel& k, host::PageId id);
/// Splits the partly unmapped huge pages in the range: their unmapped pages are freed. Pages unmapped later are freed
/// at once.
void split_partly_mapped(Kernel& k, host::ProcessIndex process, uint64_t first_vpn, uint64_t last_vpn);
/// do_shrink_slab() with the shrinker of the group's queue. Returns the number of huge pages split.
int64_t shrink_deferred_splits(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, int priority);

}  // namespace oomcast::mm
