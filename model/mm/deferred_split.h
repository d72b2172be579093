// Holds back what is unmapped of a huge page until the huge page is split.
//
// Mirrors deferred_split_huge_page(), deferred_split_scan() and the part of split_huge_page() that frees unmapped pages
// (mm/huge_memory.c) of Linux 6.1. A part of a huge page that is unmapped stays on the LRU lists and charged to its
// group; it comes free when reclaim meets the huge page, when the shrinker takes it off its group's queue, or when
// nothing of it is mapped any more. Differs: fork(), mremap() and MADV_FREE of the rest split it at once; of a huge
// page that fork() has shared nothing is held back; one that has lost nothing is split with its PMD, as no memory hangs
// on it.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// A part of the huge page at `first_vpn`, all of which was mapped, is about to be unmapped.
void deferred_split_huge_page(Kernel& k, host::ProcessIndex process, uint64_t first_vpn, host::CgroupIndex cgroup);
/// The last mapping of the page at `vpn` is gone. True if it is held back, or freed along with all of its huge page.
bool hold_unmapped_page(Kernel& k, host::ProcessIndex process, uint64_t vpn, host::PageId id);
/// split_huge_page() by reclaim, which has taken the page off its list: what is unmapped and not in the same batch is
/// free. True if the page itself is held: it goes, too.
bool split_for_reclaim(Kernel& k, host::PageId id);
/// Splits the huge pages in the range that have lost a part: what is held of them is free, and what is unmapped of them
/// later is free at once.
void split_partly_mapped(Kernel& k, host::ProcessIndex process, uint64_t first_vpn, uint64_t last_vpn);
/// do_shrink_slab() with the shrinker of the group's queue; gives the huge pages that were split.
int64_t shrink_deferred_splits(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, int priority);

}  // namespace oomcast::mm
