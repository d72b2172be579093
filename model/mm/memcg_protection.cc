// Computes how much memory of a cgroup is protected by memory.min and memory.low down the tree; kernel-spec
// section 9.4.
//
// Mirrors mem_cgroup_calculate_protection() and effective_protection() (mm/memcontrol.c) of Linux 6.1 with the mount
// option memory_recursiveprot, which systemd uses. Differs: computed anew for each question, from the usages of that
// moment.
#include <algorithm>

#include "model/mm/memcg.h"

namespace oomcast::mm {

using host::Cgroup;
using host::Host;

namespace {

struct Protection {
  int64_t min = 0, low = 0;
};

// effective_protection(): the cgroup's own claim. It shrinks if siblings claim more than the parent has, and grows by a
// share of what they leave unclaimed.
int64_t effective(int64_t usage, int64_t parent_usage, int64_t setting, int64_t parent_effective, int64_t siblings) {
  const int64_t claimed = std::min(usage, setting);
  if (siblings > parent_effective)
    return static_cast<int64_t>(static_cast<__int128>(claimed) * parent_effective / siblings);
  if (parent_effective <= siblings || parent_usage <= siblings || usage <= claimed) return claimed;
  const __int128 unclaimed = static_cast<__int128>(parent_effective - siblings) * (usage - claimed);
  return claimed + static_cast<int64_t>(unclaimed / (parent_usage - siblings));
}

Protection effective_protection(const Host& host, host::CgroupIndex group, host::CgroupIndex target) {
  const Cgroup& own = host.cgroups[group];
  if (own.parent == target) return {own.min, own.low};
  const Protection above = effective_protection(host, own.parent, target);
  Protection siblings;
  for (const host::CgroupIndex g : host.cgroups.indices_after(host::kRootCgroup)) {
    const Cgroup& other = host.cgroups[g];
    if (other.parent != own.parent) continue;
    siblings.min += std::min(other.usage, other.min);
    siblings.low += std::min(other.usage, other.low);
  }
  const int64_t parent_usage = host.cgroups[own.parent].usage;
  return {effective(own.usage, parent_usage, own.min, above.min, siblings.min),
          effective(own.usage, parent_usage, own.low, above.low, siblings.low)};
}

// Shortcut: most hosts protect nothing.
bool anything_protected(const Host& host) {
  return std::any_of(host.cgroups.begin(), host.cgroups.end(),
                     [](const Cgroup& group) { return group.min > 0 || group.low > 0; });
}

}  // namespace

bool may_reclaim_from(Kernel& k, host::CgroupIndex cgroup, ScanControl& sc) {
  // A cgroup's protection does not hold against its own limit.
  if (cgroup == sc.target_cgroup || cgroup == host::kRootCgroup || !anything_protected(k.host)) return true;
  const Protection protection = effective_protection(k.host, cgroup, sc.target_cgroup);
  const int64_t usage = k.host.cgroups[cgroup].usage;
  if (protection.min > 0 && usage <= protection.min) return false;
  if (protection.low == 0) return true;
  if (!sc.low_reclaim) {
    // Skipped as a whole, or scanned less (get_scan_count()): in both cases another round without memory.low may
    // follow.
    if (usage <= protection.low || protection.low > protection.min) sc.low_skipped = true;
    return usage > protection.low;
  }
  if (usage <= protection.low) note_event(k.host, cgroup, &host::CgroupEvents::low);
  return true;
}

bool below_min(const Host& host, host::CgroupIndex cgroup, host::CgroupIndex target) {
  if (cgroup == target || cgroup == host::kRootCgroup || !anything_protected(host)) return false;
  const int64_t min = effective_protection(host, cgroup, target).min;
  return min > 0 && host.cgroups[cgroup].usage <= min;
}

bool below_low(const Host& host, host::CgroupIndex cgroup, host::CgroupIndex target) {
  if (cgroup == target || cgroup == host::kRootCgroup || !anything_protected(host)) return false;
  const int64_t low = effective_protection(host, cgroup, target).low;
  return low > 0 && host.cgroups[cgroup].usage <= low;
}

int64_t unprotected(const Host& host, host::CgroupIndex cgroup, const ScanControl& sc, int64_t list_pages) {
  if (!anything_protected(host)) return list_pages;
  const Protection effective = effective_protection(host, cgroup, sc.target_cgroup);
  const int64_t protection = sc.low_reclaim ? effective.min : std::max(effective.min, effective.low);
  if (protection == 0) return list_pages;
  const int64_t usage = std::max(host.cgroups[cgroup].usage, protection);
  return std::max(list_pages - list_pages * protection / (usage + 1), kSwapClusterMax);
}

}  // namespace oomcast::mm
