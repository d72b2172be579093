// Collapses small pages into huge ones, a few megabytes at a time. The kernel thread khugepaged.
//
// Mirrors khugepaged_do_scan(), khugepaged_scan_mm_slot(), hpage_collapse_scan_pmd() and collapse_huge_page()
// (mm/khugepaged.c) of Linux 6.1. Differs: it walks the program's processes only, those of the host take none of its
// pages_to_scan; no files and no shared memory; a process is known to it from its first mapping on, and khugepaged
// looks for one every scan_sleep_millisecs instead of being woken. What it reclaims counts as direct reclaim, on 6.12
// too.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// The thread's body: scans, sleeps for scan_sleep_millisecs, for ever.
void khugepaged_main(Kernel& k);
/// khugepaged_do_scan(): one round of pages_to_scan entries.
void khugepaged_do_scan(Kernel& k);

enum class Collapse : uint8_t { kNone, kDone, kNoHugePage };
/// hpage_collapse_scan_pmd(): the 512 entries from `first_vpn` on become one huge page if enough of them are in use.
Collapse collapse_scan_pmd(Kernel& k, host::ProcessIndex process, uint64_t first_vpn);

}  // namespace oomcast::mm
