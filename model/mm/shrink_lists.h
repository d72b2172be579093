// Decides what happens to the pages at the tail of a list. Batches of up to 32, looked at one by one.
//
// Mirrors shrink_inactive_list(), shrink_active_list(), shrink_folio_list(), folio_check_references() in mm/vmscan.c.
#pragma once

#include "model/mm/vmscan.h"

namespace oomcast::mm {

/// Pages reclaimed of up to `nr_to_scan` from the inactive tail.
int64_t shrink_inactive_list(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, int64_t nr_to_scan, bool file,
                             ScanControl& sc);
/// Moves up to `nr_to_scan` pages from the active tail to the inactive head.
void shrink_active_list(Kernel& k, host::NodeIndex node, host::CgroupIndex cgroup, int64_t nr_to_scan, bool file,
                        ScanControl& sc);

}  // namespace oomcast::mm
