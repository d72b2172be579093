// Classic LRU: scans the tail of a list in batches of up to 32 pages.
//
// Mirrors shrink_inactive_list(), shrink_active_list(), shrink_folio_list(), folio_check_references() in mm/vmscan.c.
#pragma once

#include "model/mm/vmscan.h"

namespace oomcast::mm {

/// shrink_inactive_list(): returns the pages reclaimed of up to `nr_to_scan` at the tail.
int64_t shrink_inactive_list(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, int64_t nr_to_scan, bool file,
                             ScanControl& sc);
/// shrink_active_list(): deactivates up to `nr_to_scan` pages at the tail.
void shrink_active_list(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, int64_t nr_to_scan, bool file,
                        ScanControl& sc);

}  // namespace oomcast::mm
