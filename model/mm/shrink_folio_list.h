// Decides about one page that reclaim has isolated, for the classic and the multi-gen LRU.
//
// Mirrors shrink_folio_list(), folio_check_references() and pageout() in mm/vmscan.c, one page at a time.
#pragma once

#include "model/mm/vmscan.h"

namespace oomcast::mm {

/// struct reclaim_stat.
struct ReclaimStat {
  int64_t dirty = 0, unqueued_dirty = 0, congested = 0, writeback = 0, immediate = 0, pageout = 0;
  int64_t awaited = 0;  // cgroup v1: pages whose write the reclaimer has to wait for
};

enum class Fate : uint8_t { kFreed, kKeep, kActivate };

/// Decides about one page, in the kernel's order of decisions. kFreed: the caller releases it.
Fate reclaim_page(Kernel& k, host::PageId id, const ScanControl& sc, ReclaimStat& stat);
/// The label activate_locked.
void activate_page(Kernel& k, host::PageId id);
/// Whether the page is unmapped, clean and in the swap cache: its write has ended, and it only has to be freed.
bool ready_to_free(const host::Page& page);
/// Makes a page of a list entry from before the run. The page is on no list yet. `young`: its accessed bit is set.
host::PageId page_of_reservoir(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, bool file,
                               const host::Reservoir& entry, bool young);
void count_scanned(Kernel& k, host::CgroupIndex cgroup, bool file, int64_t pages, const ScanControl& sc);
void count_stolen(Kernel& k, host::CgroupIndex cgroup, bool file, int64_t pages, const ScanControl& sc);

}  // namespace oomcast::mm
