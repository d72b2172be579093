// Computes how many pages to refill into a per-CPU page list (pcp) of order 0, and how many to give back.
//
// Mirrors nr_pcp_alloc(), nr_pcp_high() and nr_pcp_free() in mm/page_alloc.c of Linux 6.1 and 6.12. Differs: one list
// for all migratetypes; the 6.12 decay of an idle CPU's list (decay_pcp_high) is not modelled.
#pragma once

#include "model/host/node.h"

namespace oomcast::mm {

/// Pages to take from the buddy lists at once, now that the CPU's list is empty.
int64_t pcp_refill(const host::KernelVersion& kernel, const host::Zone& zone, host::Pcp& pcp);
void pcp_note_alloc(host::Pcp& pcp, int64_t pages = 1);
/// Pages to give back to the buddy lists after one was freed to the CPU's list; 0 most of the time.
int64_t pcp_surplus(const host::KernelVersion& kernel, const host::Zone& zone, host::Pcp& pcp);

}  // namespace oomcast::mm
