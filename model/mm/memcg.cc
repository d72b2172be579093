// What does a memory limit do? See memcg.h; kernel-spec section 9.
#include "model/mm/memcg.h"

#include <algorithm>

#include "model/mm/direct_reclaim.h"
#include "model/mm/oom_killer.h"

namespace oomcast::mm {

using host::Cgroup;
using host::Host;

namespace {

constexpr int64_t kChargeBatch = 64;            // MEMCG_CHARGE_BATCH
constexpr int kMaxRetries = 16;                 // MAX_RECLAIM_RETRIES
constexpr int64_t kTicksPerSecond = 250;        // CONFIG_HZ
constexpr int64_t kHighDelayTicksMax = 2 * kTicksPerSecond;

bool charge_counter(Cgroup& group, int64_t pages) {
  if (group.usage + pages > group.max) return false;
  group.usage += pages;
  group.peak = std::max(group.peak, group.usage);
  return true;
}

void drain_stock(Cgroup& group) {
  group.usage -= group.parked();
  std::fill(group.stock.begin(), group.stock.end(), 0);
}

void note_over_high(Kernel& k, const Cgroup& group, int64_t pages) {
  if (group.usage > group.high || group.swap_usage > group.swap_high) k.sched.current().over_high_pages += pages;
}

}  // namespace

bool try_charge(Kernel& k, uint8_t cgroup) {
  if (cgroup == host::kRootCgroup) return true;
  Cgroup& group = k.host.cgroups[cgroup];
  Actor& actor = k.sched.current();
  int64_t batch = kChargeBatch;
  int retries = kMaxRetries;
  bool drained = false;
  while (true) {
    int64_t& stock = group.stock[static_cast<size_t>(actor.cpu)];
    if (stock > 0) {
      --stock;
      return true;
    }
    if (charge_counter(group, batch)) break;
    if (batch > 1) {
      batch = 1;
      continue;
    }
    if (actor.memalloc || actor.dying) {
      ++group.usage;  // over the limit: it is about to give memory back
      return true;
    }
    ++group.events.max;
    const int64_t reclaimed = try_to_free_cgroup_pages(k, cgroup, 1);
    if (group.usage < group.max) continue;
    if (!drained) {
      drain_stock(group);
      drained = true;
      continue;
    }
    if (reclaimed > 0 || retries-- > 0) continue;
    ++group.events.oom;
    if (!cgroup_out_of_memory(k, cgroup)) return false;
    retries = kMaxRetries;
  }
  group.stock[static_cast<size_t>(actor.cpu)] += batch - 1;
  note_over_high(k, group, batch);
  return true;
}

void uncharge(Host& host, uint8_t cgroup, int64_t pages) {
  if (cgroup == host::kRootCgroup) return;
  host.cgroups[cgroup].usage -= pages;
}

int64_t high_delay_ticks(int64_t usage, int64_t high, int64_t pages_over) {
  if (usage <= high) return 0;
  // In 128 bits, and cut before it is squared: a group far above its mark would overflow.
  constexpr __int128 kOverageMax = int64_t{1} << 40;
  const __int128 overage = std::min((static_cast<__int128>(usage - high) << 20) / std::max<int64_t>(1, high), kOverageMax);
  const __int128 ticks = overage * overage * kTicksPerSecond >> 20 >> 14;
  const __int128 scaled = ticks * pages_over / kChargeBatch;
  return scaled > kHighDelayTicksMax ? kHighDelayTicksMax : static_cast<int64_t>(scaled);
}

void handle_over_high(Kernel& k, uint8_t cgroup) {
  Actor& actor = k.sched.current();
  if (actor.over_high_pages == 0 || cgroup == host::kRootCgroup) return;
  Cgroup& group = k.host.cgroups[cgroup];
  const int64_t pages = actor.over_high_pages;
  actor.over_high_pages = 0;
  int retries = kMaxRetries;
  int64_t wanted = pages;
  while (!actor.dying) {
    int64_t reclaimed = 0;
    if (group.usage > group.high) {
      ++group.events.high;
      reclaimed = try_to_free_cgroup_pages(k, cgroup, wanted);
    }
    const int64_t ticks = std::min(high_delay_ticks(group.usage, group.high, pages) + high_delay_ticks(group.swap_usage, group.swap_high, pages), kHighDelayTicksMax);
    if (ticks <= kTicksPerSecond / 100) return;
    wanted = kSwapClusterMax;
    if (reclaimed > 0 || retries-- > 0) continue;
    const Nanoseconds begin = k.sched.now();
    k.sched.memstall_enter();
    k.sched.sleep(kTick * ticks);
    k.sched.memstall_leave();
    k.listener.on_stall(begin, false, true);
    return;
  }
}

bool may_reclaim_from(Kernel& k, uint8_t cgroup, ScanControl& sc) {
  if (cgroup == sc.target_cgroup) return true;  // its own protection does not hold against its own limit
  Cgroup& group = k.host.cgroups[cgroup];
  if (group.min > 0 && group.usage <= group.min) return false;
  if (group.low == 0 || group.usage > group.low) return true;
  if (!sc.low_reclaim) {
    sc.low_skipped = true;
    return false;
  }
  ++group.events.low;
  return true;
}

int64_t unprotected(const Cgroup& group, const ScanControl& sc, int64_t list_pages) {
  if (group.min == 0 && group.low == 0) return list_pages;
  const int64_t protection = std::min(group.usage, sc.low_reclaim ? group.min : std::max(group.min, group.low));
  if (protection == 0) return list_pages;
  const int64_t usage = std::max(group.usage, protection);
  return std::max(list_pages - list_pages * protection / (usage + 1), kSwapClusterMax);
}

int64_t cgroup_totalpages(const Kernel& k, uint8_t cgroup) {
  const Cgroup& group = k.host.cgroups[cgroup];
  int64_t pages = std::min(group.max, k.host.total_ram);
  if (k.host.spec.vm.swappiness > 0) pages += std::min(group.swap_max, k.host.total_swap);
  return std::max<int64_t>(1, pages);
}

}  // namespace oomcast::mm
