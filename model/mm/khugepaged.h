// khugepaged: the kernel thread that collapses small pages into huge ones, a few megabytes at a time. Also
// MADV_COLLAPSE, by which a program collapses its own pages at once.
//
// Mirrors khugepaged_do_scan(), khugepaged_scan_mm_slot(), hpage_collapse_scan_pmd(), collapse_huge_page() and
// madvise_collapse() (mm/khugepaged.c) of Linux 6.1. Differs: only the program's processes are scanned, and processes
// of the host use up none of pages_to_scan; no files and no shared memory; a process is known from its first mapping
// on; khugepaged looks for work every scan_sleep_millisecs instead of being woken. Its reclaim counts as direct
// reclaim, on 6.12 too.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// The kernel thread: sleeps for scan_sleep_millisecs and scans, for ever.
void khugepaged_main(Kernel& k);
/// khugepaged_do_scan(): scans pages_to_scan entries.
void khugepaged_do_scan(Kernel& k);

enum class Collapse : uint8_t { kNone, kDone, kNoHugePage, kNotCharged };
/// hpage_collapse_scan_pmd(): collapses the 512 entries from `first_vpn` on if they are within the max_ptes_* limits
/// and were used lately.
Collapse collapse_scan_pmd(Kernel& k, host::ProcessIndex process, uint64_t first_vpn);
/// madvise_collapse() for a range in bytes: collapses each 2 MiB of it that has a page, whatever the host's settings
/// and the max_ptes_* limits say. Ends at the first one that gets no memory. Before 6.1: nothing.
void madvise_collapse(Kernel& k, host::ProcessIndex process, uint64_t start, uint64_t bytes);

}  // namespace oomcast::mm
