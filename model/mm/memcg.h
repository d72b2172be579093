// Enforces the memory limits of cgroups: charges, reclaim inside a cgroup, throttling above memory.high, and its OOM.
//
// Mirrors try_charge_memcg(), mem_cgroup_handle_over_high(), mem_cgroup_below_min/low() and mem_cgroup_protection() in
// mm/memcontrol.c of Linux 6.1, cgroup v2 and v1 (memory and swap in one counter, swappiness of a group, no kill).
// Differs: of slab, only what belongs to cached files (cache_slab.h) and to tasks (task_memory.h) is charged; v1's
// limits of kernel memory are not enforced.
#pragma once

#include "model/mm/vmscan.h"

namespace oomcast::mm {

/// try_charge_memcg(): charges one page to the cgroup for the current actor. At memory.max it reclaims inside the
/// cgroup and calls the OOM killer. False: the page cannot be charged, and the caller frees it.
bool try_charge(Kernel& k, host::CgroupIndex cgroup);
/// How many pages try_charge() can charge out of the stock of the current CPU: without a look at any limit.
int64_t charges_in_stock(const Kernel& k, host::CgroupIndex cgroup);
/// Charges them. REQUIRES: at most charges_in_stock().
void charge_stock(Kernel& k, host::CgroupIndex cgroup, int64_t pages);
/// Uncharges pages from the cgroup and all above it.
void uncharge(host::Host& host, host::CgroupIndex cgroup, int64_t pages);
/// Charges without checking limits.
void force_charge(host::Host& host, host::CgroupIndex cgroup, int64_t pages);
/// mem_cgroup_swappiness(): vm.swappiness; with cgroup v1 the group's own.
int64_t swappiness_of(const host::Host& host, host::CgroupIndex cgroup);
/// Whether one more swap slot can be charged. False: memory.swap.max of the cgroup or of one above is reached, which is
/// counted.
bool swap_chargeable(host::Host& host, host::CgroupIndex cgroup);
/// mem_cgroup_try_charge_swap(): charges the slot to its cgroup and all above it. v1 charges later (memsw_swap_out).
void charge_swap(host::Host& host, host::SwapSlot& slot);
/// Uncharges the slot, if it is charged.
void uncharge_swap(host::Host& host, host::SwapSlot& slot);
/// v1, mem_cgroup_swapout(): the page has left memory, and its charge for memory and swap stays with the slot.
void memsw_swap_out(host::Host& host, host::SwapSlot& slot);
/// v1, mem_cgroup_swapin_uncharge_swap(): a page that is charged itself holds the slot's data again.
void memsw_swap_in(host::Host& host, host::SwapSlot& slot);
/// Whether the cgroup and all above it are below memory.swap.max.
bool swap_left(const host::Host& host, host::CgroupIndex cgroup);
/// memcg_memory_event(): counts in memory.events of the cgroup and of all above it.
void note_event(host::Host& host, host::CgroupIndex cgroup, int64_t host::CgroupEvents::*event);
/// mem_cgroup_handle_over_high(), on the return to user space: reclaims what exceeds memory.high, and sleeps if that
/// was not enough.
void handle_over_high(Kernel& k, host::CgroupIndex cgroup);
/// calculate_high_delay() for an overage of memory.high: the time to sleep in ticks, at most 2 s.
int64_t high_delay_ticks(int64_t usage, int64_t high, int64_t pages_over, int64_t batch);
/// Whether this pass may reclaim from the cgroup, given memory.min and memory.low (memcg_protection.cc). Sets
/// sc.low_skipped if memory.low has protected it.
bool may_reclaim_from(Kernel& k, host::CgroupIndex cgroup, ScanControl& sc);
/// mem_cgroup_below_min(), mem_cgroup_below_low(): usage is within the protection against reclaim of `target`.
bool below_min(const host::Host& host, host::CgroupIndex cgroup, host::CgroupIndex target);
bool below_low(const host::Host& host, host::CgroupIndex cgroup, host::CgroupIndex target);
/// The part of get_scan_count() that subtracts the protected share from the pages of a list.
int64_t unprotected(const host::Host& host, host::CgroupIndex cgroup, const ScanControl& sc, int64_t list_pages);
/// mem_cgroup_get_max(): memory.max plus the usable part of memory.swap.max, in pages. oom_score_adj is a share of it.
int64_t cgroup_totalpages(const Kernel& k, host::CgroupIndex cgroup);

}  // namespace oomcast::mm
