// Enforces memory limits. Charging, reclaim inside the group, memory.high's brake, and the group's OOM.
//
// Mirrors try_charge_memcg(), mem_cgroup_handle_over_high(), mem_cgroup_below_min/low() and mem_cgroup_protection() in
// mm/memcontrol.c of Linux 6.1, cgroup v2. Differs: of slab, what hangs on cached files
// (cache_slab.h) and on tasks (task_memory.h) is charged.
#pragma once

#include "model/mm/vmscan.h"

namespace oomcast::mm {

/// Charges one page to the group for the current actor; reclaims inside the group, and kills, at memory.max.
/// False if the page cannot be had: the caller gives it back.
bool try_charge(Kernel& k, host::CgroupIndex cgroup);
void uncharge(host::Host& host, host::CgroupIndex cgroup, int64_t pages);
/// Charges without asking for limits.
void force_charge(host::Host& host, host::CgroupIndex cgroup, int64_t pages);
/// One slot of swap, within memory.swap.max of the group and all above it.
bool charge_swap(host::Host& host, host::CgroupIndex cgroup);
void uncharge_swap(host::Host& host, host::CgroupIndex cgroup);
bool swap_left(const host::Host& host, host::CgroupIndex cgroup);
/// memory.events of the group and of all above it.
void note_event(host::Host& host, host::CgroupIndex cgroup, int64_t host::CgroupEvents::*event);
/// On the way back to user space: reclaims what went over memory.high, and sleeps for the rest of the offence.
void handle_over_high(Kernel& k, host::CgroupIndex cgroup);
/// Sleep for an overage of memory.high, in ticks (calculate_high_delay), before the cap of 2 s.
int64_t high_delay_ticks(int64_t usage, int64_t high, int64_t pages_over, int64_t batch);
/// Protection, in memcg_protection.cc. May this pass take from the group, given memory.min and memory.low? Notes in
/// `sc` what was left out.
bool may_reclaim_from(Kernel& k, host::CgroupIndex cgroup, ScanControl& sc);
/// mem_cgroup_below_min() and _low(): usage within what is protected against reclaim of `target`.
bool below_min(const host::Host& host, host::CgroupIndex cgroup, host::CgroupIndex target);
bool below_low(const host::Host& host, host::CgroupIndex cgroup, host::CgroupIndex target);
/// Pages of a list to scan once protection has been taken off (get_scan_count).
int64_t unprotected(const host::Host& host, host::CgroupIndex cgroup, const ScanControl& sc, int64_t list_pages);
/// memory.max + what of memory.swap.max there is: what badness is measured against.
int64_t cgroup_totalpages(const Kernel& k, host::CgroupIndex cgroup);

}  // namespace oomcast::mm
