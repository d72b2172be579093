// Transparent huge pages: decides when a first touch gets 2 MiB at once, and when a huge page is split.
//
// Mirrors do_huge_pmd_anonymous_page(), vma_thp_gfp_mask(), thp_vma_allowable_order() and __split_huge_pmd()
// (mm/huge_memory.c) of Linux 6.1. Differs: a huge page is 512 pages that lie side by side on the LRU, share one
// accessed bit and are reclaimed together. Its unmapped pages stay allocated until it is split (deferred_split.h). A
// read of untouched memory maps small zero pages, as the first write would split the huge zero page anyway.
#pragma once

#include <bitset>
#include <vector>

#include "model/mm/page_alloc.h"

namespace oomcast::mm {

enum class HugeFault : uint8_t { kMapped, kFallback, kRetry, kDying };

/// The first page of the 2 MiB range that `vpn` lies in.
inline uint64_t huge_start(uint64_t vpn) { return vpn & ~static_cast<uint64_t>(host::kHugePages - 1); }
/// The first touch of a 2 MiB range without a page table. kFallback: nothing was done, the fault gets a small page.
HugeFault do_huge_anonymous_page(Kernel& k, host::ProcessIndex process, uint64_t vpn, bool write);
/// Whether the host's setting (transparent_hugepage/enabled) counts: the enforce_sysfs of thp_vma_allowable_order().
enum class Sysfs : uint8_t { kEnforced, kIgnored };
/// Whether a huge page may be mapped there: the settings allow it, and one mapping covers the whole range.
bool may_be_huge(const Kernel& k, const host::Process& process, uint64_t first_vpn, Sysfs sysfs = Sysfs::kEnforced);
/// mem_cgroup_charge() of 512 pages: all or none, with one round of reclaim if the mask allows it.
bool charge_huge(Kernel& k, host::CgroupIndex cgroup, const Gfp& gfp);
/// Maps a huge page at 512 empty entries. `touched`: the pages that the program has used. REQUIRES: it is charged.
void map_huge_page(Kernel& k, host::ProcessIndex process, uint64_t first_vpn, const std::bitset<512>& touched,
                   ZoneRef where);
/// __split_huge_pmd(): the 512 pages are mapped one by one from now on. No effect without a huge page.
void split_huge_pmd(Kernel& k, host::ProcessIndex process, uint64_t vpn);
void split_huge_range(Kernel& k, host::ProcessIndex process, uint64_t first_vpn, uint64_t last_vpn);
/// Splits the huge pages of a range that is about to be unmapped. Returns the first pages of those that are unmapped as
/// a whole, with their page table.
std::vector<uint64_t> zap_huge_pages(Kernel& k, host::ProcessIndex process, uint64_t first_vpn, uint64_t last_vpn);
/// Reclaim is about to unmap the page: a huge page is written as a whole or split first. REQUIRES: it has a swap slot.
void reclaim_huge_page(Kernel& k, const host::Page& page);
/// Moves the accessed bit of the PMD to the 512 pages.
void spread_young(Kernel& k, const host::Page& page);
/// Whether these two pages are parts of one huge page.
bool same_huge_page(Kernel& k, const host::Page& one, const host::Page& other);

}  // namespace oomcast::mm
