// Enforces the memory limits of cgroups. See memcg.h; kernel-spec section 9.
#include "model/mm/memcg.h"

#include <algorithm>

#include "model/mm/direct_reclaim.h"
#include "model/mm/oom_killer.h"

namespace oomcast::mm {

using host::Cgroup;
using host::Host;

namespace {

constexpr int kMaxRetries = 16;           // MAX_RECLAIM_RETRIES
constexpr int64_t kTicksPerSecond = 250;  // CONFIG_HZ
constexpr int64_t kHighDelayTicksMax = 2 * kTicksPerSecond;

// MEMCG_CHARGE_BATCH.
int64_t charge_batch(const Kernel& k) { return k.follows(host::KernelRule::kLargeChargeBatch) ? 64 : 32; }

// MAX_RECLAIM_RETRIES; in older kernels MEM_CGROUP_RECLAIM_RETRIES.
int charge_retries(const Kernel& k) { return k.follows(host::KernelRule::kPatientCgroups) ? kMaxRetries : 5; }

// The lowest cgroup whose limit is reached (the root: none), and whether that is a limit of memory and swap together.
struct LimitHit {
  host::CgroupIndex group = host::kRootCgroup;
  bool with_swap = false;
};

// page_counter_try_charge() of memory, and of v1's memsw before it: charges the cgroup and all above it.
LimitHit charge_counters(Host& host, host::CgroupIndex group, int64_t pages) {
  for (host::CgroupIndex g = group; g != host::kRootCgroup; g = host.cgroups[g].parent) {
    if (host.cgroups[g].memsw_max - host.cgroups[g].memsw_usage() >= pages) continue;
    ++host.cgroups[g].memsw_failcnt;
    return {g, true};
  }
  for (host::CgroupIndex g = group; g != host::kRootCgroup; g = host.cgroups[g].parent) {
    if (host.cgroups[g].max - host.cgroups[g].usage < pages) return {g, false};
  }
  force_charge(host, group, pages);
  return {};
}

// drain_all_stock(): uncharges what CPUs have charged in advance for cgroups below the one at its limit.
void drain_stock(Host& host, host::CgroupIndex root) {
  for (const host::CgroupIndex g : host.cgroups.indices_after(host::kRootCgroup)) {
    if (!host::within(host.cgroups, g, root)) continue;
    uncharge(host, g, host.cgroups[g].parked());
    std::fill(host.cgroups[g].stock.begin(), host.cgroups[g].stock.end(), 0);
  }
}

void note_over_high(Kernel& k, host::CgroupIndex group, int64_t pages) {
  for (host::CgroupIndex g = group; g != host::kRootCgroup; g = k.host.cgroups[g].parent) {
    const Cgroup& each = k.host.cgroups[g];
    if (each.usage <= each.high && each.swap_usage <= each.swap_high) continue;
    k.sched.current().over_high_pages += pages;
    return;
  }
}

}  // namespace

void note_event(Host& host, host::CgroupIndex group, int64_t host::CgroupEvents::*event) {
  for (host::CgroupIndex g = group; g != host::kRootCgroup; g = host.cgroups[g].parent)
    ++(host.cgroups[g].events.*event);
}

void force_charge(Host& host, host::CgroupIndex group, int64_t pages) {
  for (host::CgroupIndex g = group; g != host::kRootCgroup; g = host.cgroups[g].parent) {
    host.cgroups[g].usage += pages;
    host.cgroups[g].peak = std::max(host.cgroups[g].peak, host.cgroups[g].usage);
  }
}

int64_t charges_in_stock(const Kernel& k, host::CgroupIndex cgroup) {
  return cgroup == host::kRootCgroup ? INT64_MAX : k.host.cgroups[cgroup].stock[k.sched.current().cpu];
}

void charge_stock(Kernel& k, host::CgroupIndex cgroup, int64_t pages) {
  if (cgroup != host::kRootCgroup) k.host.cgroups[cgroup].stock[k.sched.current().cpu] -= pages;
}

bool try_charge(Kernel& k, host::CgroupIndex cgroup) {
  if (cgroup == host::kRootCgroup) return true;
  Actor& actor = k.sched.current();
  int64_t batch = charge_batch(k);
  int retries = charge_retries(k);
  bool drained = false;
  while (true) {
    if (charges_in_stock(k, cgroup) > 0) {
      charge_stock(k, cgroup, 1);
      return true;
    }
    const LimitHit hit = charge_counters(k.host, cgroup, batch);
    const host::CgroupIndex over = hit.group;
    if (over == host::kRootCgroup) break;
    if (batch > 1) {
      batch = 1;
      continue;
    }
    if (actor.memalloc || actor.dying) {
      force_charge(k.host, cgroup, 1);  // beyond the limit: the task is about to free memory
      return true;
    }
    note_event(k.host, over, &host::CgroupEvents::max);
    // To swap a page out leaves the sum of memory and swap as it is.
    const int64_t reclaimed = try_to_free_cgroup_pages(k, over, 1, hit.with_swap ? MaySwap::kNo : MaySwap::kYes);
    if (k.host.cgroups[over].margin() > 0) continue;
    if (!drained) {
      drain_stock(k.host, over);
      drained = true;
      continue;
    }
    if (reclaimed > 0 || retries-- > 0) continue;
    note_event(k.host, over, &host::CgroupEvents::oom);
    if (!cgroup_out_of_memory(k, over)) return false;
    retries = charge_retries(k);
  }
  k.host.cgroups[cgroup].stock[actor.cpu] += batch - 1;
  note_over_high(k, cgroup, batch);
  // A call that charges many pages sleeps inside the call. Other tasks sleep on their return to user space.
  const bool in_call = k.follows(host::KernelRule::kHighSleepsInCall);
  if (in_call && actor.over_high_pages > charge_batch(k) && !actor.memalloc) handle_over_high(k, cgroup);
  return true;
}

void uncharge(Host& host, host::CgroupIndex cgroup, int64_t pages) {
  for (host::CgroupIndex g = cgroup; g != host::kRootCgroup; g = host.cgroups[g].parent) host.cgroups[g].usage -= pages;
}

int64_t swappiness_of(const Host& host, host::CgroupIndex cgroup) {
  const Cgroup& group = host.cgroups[cgroup];
  return cgroup != host::kRootCgroup && group.v1 ? group.swappiness : host.spec.vm.swappiness;
}

namespace {

void count_swap(Host& host, host::SwapSlot& slot, int64_t sign) {
  slot.charged = sign > 0;
  for (host::CgroupIndex g = slot.cgroup; g != host::kRootCgroup; g = host.cgroups[g].parent)
    host.cgroups[g].swap_usage += sign;
}

}  // namespace

void uncharge_swap(Host& host, host::SwapSlot& slot) {
  if (slot.charged) count_swap(host, slot, -1);
}

void memsw_swap_out(Host& host, host::SwapSlot& slot) {
  if (host.cgroups[slot.cgroup].v1) count_swap(host, slot, 1);
}

void memsw_swap_in(Host& host, host::SwapSlot& slot) {
  if (host.cgroups[slot.cgroup].v1) uncharge_swap(host, slot);
}

bool swap_chargeable(Host& host, host::CgroupIndex cgroup) {
  for (host::CgroupIndex g = cgroup; g != host::kRootCgroup; g = host.cgroups[g].parent) {
    if (host.cgroups[g].swap_usage < host.cgroups[g].swap_max) continue;
    ++host.cgroups[g].swap_events.max;
    ++host.cgroups[cgroup].swap_events.fail;
    return false;
  }
  return true;
}

void charge_swap(Host& host, host::SwapSlot& slot) {
  if (!host.cgroups[slot.cgroup].v1) count_swap(host, slot, 1);
}

bool swap_left(const Host& host, host::CgroupIndex cgroup) {
  for (host::CgroupIndex g = cgroup; g != host::kRootCgroup; g = host.cgroups[g].parent) {
    if (host.cgroups[g].swap_usage >= host.cgroups[g].swap_max) return false;
  }
  return true;
}

int64_t high_delay_ticks(int64_t usage, int64_t high, int64_t pages_over, int64_t batch) {
  if (usage <= high) return 0;
  // 128 bits, and a bound before squaring: a cgroup far above memory.high would overflow.
  constexpr __int128 kOverageMax = int64_t{1} << 40;
  const __int128 overage =
      std::min((static_cast<__int128>(usage - high) << 20) / std::max<int64_t>(1, high), kOverageMax);
  const __int128 ticks = overage * overage * kTicksPerSecond >> 20 >> 14;
  const __int128 scaled = ticks * pages_over / batch;
  return scaled > kHighDelayTicksMax ? kHighDelayTicksMax : static_cast<int64_t>(scaled);
}

namespace {

// reclaim_high(): reclaims in the cgroup and in each one above it that exceeds memory.high.
int64_t reclaim_high(Kernel& k, host::CgroupIndex group, int64_t pages) {
  int64_t reclaimed = 0;
  for (host::CgroupIndex g = group; g != host::kRootCgroup; g = k.host.cgroups[g].parent) {
    if (k.host.cgroups[g].usage <= k.host.cgroups[g].high) continue;
    note_event(k.host, g, &host::CgroupEvents::high);
    k.listener.on_memory_high(g);
    reclaimed += try_to_free_cgroup_pages(k, g, pages);
  }
  return reclaimed;
}

// Ticks to sleep: the longest delay for memory.high plus the longest for memory.swap.high, of this cgroup and those
// above.
int64_t delay_ticks(const Kernel& k, host::CgroupIndex group, int64_t pages) {
  const int64_t batch = charge_batch(k);
  int64_t memory = 0, swap = 0;
  for (host::CgroupIndex g = group; g != host::kRootCgroup; g = k.host.cgroups[g].parent) {
    const Cgroup& each = k.host.cgroups[g];
    memory = std::max(memory, high_delay_ticks(each.usage, each.high, pages, batch));
    swap = std::max(swap, high_delay_ticks(each.swap_usage, each.swap_high, pages, batch));
  }
  return std::min(memory + swap, kHighDelayTicksMax);
}

}  // namespace

void handle_over_high(Kernel& k, host::CgroupIndex cgroup) {
  Actor& actor = k.sched.current();
  if (actor.over_high_pages == 0 || cgroup == host::kRootCgroup) return;
  const int64_t pages = actor.over_high_pages;
  actor.over_high_pages = 0;
  int retries = kMaxRetries;
  int64_t wanted = pages;
  while (!actor.dying) {
    const int64_t reclaimed = reclaim_high(k, cgroup, wanted);
    if (!k.follows(host::KernelRule::kHighSleeps)) return;
    const int64_t ticks = delay_ticks(k, cgroup, pages);
    if (ticks <= kTicksPerSecond / 100) return;
    wanted = kSwapClusterMax;
    if (reclaimed > 0 || retries-- > 0) continue;
    const Nanoseconds begin = stall_enter(k);
    k.sched.memstall_enter();
    k.sched.sleep(kTick * ticks);
    k.sched.memstall_leave();
    stall_leave(k, begin, Stalled::kMemoryHigh);
    return;
  }
}

int64_t cgroup_totalpages(const Kernel& k, host::CgroupIndex cgroup) {
  const Cgroup& group = k.host.cgroups[cgroup];
  int64_t pages = std::min(group.max, k.host.total_ram);
  const int64_t swap = group.v1 ? group.memsw_max - group.max : group.swap_max;
  if (swappiness_of(k.host, cgroup) > 0) pages += std::min(swap, k.host.total_swap);
  return std::max<int64_t>(1, pages);
}

}  // namespace oomcast::mm
