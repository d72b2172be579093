// Decides when a first touch gets 2 MiB at once, and what becomes of a huge page. Transparent huge pages.
//
// Mirrors do_huge_pmd_anonymous_page(), vma_thp_gfp_mask(), thp_vma_allowable_order() and __split_huge_pmd()
// (mm/huge_memory.c) of Linux 6.1. Differs: a huge page is 512 pages that lie side by side on the LRU and share one
// accessed bit; they go through reclaim together. What is unmapped of one is held back (deferred_split.h). A read of
// untouched memory maps small zero pages, as the first write would split the huge one anyway.
#pragma once

#include <bitset>
#include <vector>

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

enum class HugeFault : uint8_t { kMapped, kFallback, kRetry, kDying };

/// The first page of the 2 MiB range that `vpn` lies in.
inline uint64_t huge_start(uint64_t vpn) { return vpn & ~static_cast<uint64_t>(host::kHugePages - 1); }
/// The first touch of a 2 MiB range without a page table. kFallback: nothing was done, small pages have to serve.
HugeFault do_huge_anonymous_page(Kernel& k, host::ProcessIndex process, uint64_t vpn, bool write);
/// Whether a huge page may be put there: the settings allow it, and one mapping covers all of the range.
bool may_be_huge(const Kernel& k, const host::Process& process, uint64_t first_vpn);
/// mem_cgroup_charge() of 512 pages: room for all of them at once, with one round of reclaim where the mask allows it.
bool charge_huge(Kernel& k, host::CgroupIndex cgroup, const Gfp& gfp);
/// A huge page that is charged takes the place of 512 entries that are none; `touched`: those that the program has
/// used.
void map_huge_page(Kernel& k, host::ProcessIndex process, uint64_t first_vpn, const std::bitset<512>& touched,
                   ZoneRef where);
/// From here on the 512 pages are mapped one by one. No effect where there is no huge page.
void split_huge_pmd(Kernel& k, host::ProcessIndex process, uint64_t vpn);
void split_huge_range(Kernel& k, host::ProcessIndex process, uint64_t first_vpn, uint64_t last_vpn);
/// The same for memory about to be unmapped; gives the first pages of those that go as a whole, page table included.
std::vector<uint64_t> zap_huge_pages(Kernel& k, host::ProcessIndex process, uint64_t first_vpn, uint64_t last_vpn);
/// Reclaim is about to unmap the page, which has its slot: a huge one is written in one piece or split first.
void reclaim_huge_page(Kernel& k, const host::Page& page);
/// Hands the accessed bit of the PMD on to the pages behind it.
void spread_young(Kernel& k, const host::Page& page);
/// Are these two pages parts of one huge page?
bool same_huge_page(Kernel& k, const host::Page& one, const host::Page& other);

}  // namespace oomcast::mm
