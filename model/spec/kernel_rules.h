// The rules of memory management that changed between Linux 3.10 and 6.12 and matter to a forecast, with the versions.
//
// This table is the only place with versions. Before a rule's version the older behaviour holds; it is written where
// holds() is called. "Seen in": only Linux 5.10, 6.1 and 6.12 were compared, the change lies between two of them, and
// the later one is taken. Distributions move changes into older kernels; the version of a host does not tell which.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "model/spec/host_spec.h"

namespace oomcast::host {

enum class KernelRule : uint8_t {
  kKernelMemoryCharged,
  kWatermarkScale,
  kNoRootBonus,
  kWatermarkBoost,
  kLaterWinsTie,
  kHighSleeps,
  kSecondRound,
  kLargerMinFree,
  kRefaultCosts,
  kAnonStartsInactive,
  kSignedPoints,
  kSharedSlabs,
  kPatientCgroups,
  kPlanCutShort,
  kStallsOnCpuAreFull,
  kPcpGivesMore,
  kReclaimThrottle,
  kHighSleepsInCall,
  kMadviseCollapse,
  kLargeChargeBatch,
  kRotationCosts,
  kZsmallocEvicts,
  kNoFileWriteback,
  kZswapShrinksFar,
  kMovableMarksApart,
  kPcpAutoTuned,
  kMultiGenByDefault,
  kZswapByGroup,
  kLargeLruBatch,
  kZswapExclusive,
  kPartialCgroupWalk,
  kSwapBeforeWbtLimit,
  kNodeReclaimSuccess,
  kFreeHighatomic,
  kTaskTableSplitsRss,
  kZeromap,
};

struct DatedRule {
  KernelRule rule;
  KernelVersion since;
};

/// In the order of KernelRule, which is the order of versions.
inline constexpr std::array kKernelRules = {
    DatedRule{KernelRule::kKernelMemoryCharged, {4, 5}},  // kernel memory is charged to the cgroup, too
    DatedRule{KernelRule::kWatermarkScale, {4, 6}},       // low and high marks follow vm.watermark_scale_factor
    DatedRule{KernelRule::kNoRootBonus, {4, 17}},         // root's processes no longer get 3 % fewer points
    DatedRule{KernelRule::kWatermarkBoost, {5, 0}},       // a fallback to another migrate type boosts the zone's marks
    DatedRule{KernelRule::kLaterWinsTie, {5, 3}},   // of processes with equal points the last is killed, not the first
    DatedRule{KernelRule::kHighSleeps, {5, 4}},     // a task far above memory.high sleeps; before, it only reclaims
    DatedRule{KernelRule::kSecondRound, {5, 5}},    // reclaim that frees nothing tries again with active pages
    DatedRule{KernelRule::kLargerMinFree, {5, 7}},  // the default of min_free_kbytes goes up to 256 MiB, not 64
    DatedRule{KernelRule::kRefaultCosts, {5, 8}},   // refaults, not rotations, balance anonymous against file pages
    DatedRule{KernelRule::kAnonStartsInactive, {5, 9}},  // new anonymous pages are inactive; their refaults are counted
    DatedRule{KernelRule::kSignedPoints, {5, 9}},        // points may be negative; before, the least is 1
    DatedRule{KernelRule::kSharedSlabs, {5, 9}},         // cgroups share slab caches
    DatedRule{KernelRule::kPatientCgroups, {5, 9}},  // a cgroup at its limit reclaims 16 times before it kills, not 5
    // In Linux 6.1; stable kernels from 5.10 on have it, too.
    // shrink_lruvec() stops when enough is reclaimed, also after it cut its targets
    DatedRule{KernelRule::kPlanCutShort, {5, 10}},
    // reclaim that runs is full pressure; before, only when a tick hits it
    DatedRule{KernelRule::kStallsOnCpuAreFull, {5, 13}},
    DatedRule{KernelRule::kPcpGivesMore, {5, 14}},     // a per-CPU list frees growing batches while pages keep coming
    DatedRule{KernelRule::kReclaimThrottle, {5, 16}},  // reclaim waits for progress, not for congestion
    // above memory.high, a call that charges many pages sleeps inside the call
    DatedRule{KernelRule::kHighSleepsInCall, {5, 18}},
    DatedRule{KernelRule::kMadviseCollapse, {6, 1}},   // madvise() knows MADV_COLLAPSE
    DatedRule{KernelRule::kLargeChargeBatch, {6, 1}},  // a CPU charges a cgroup 64 pages at once, not 32
    DatedRule{KernelRule::kRotationCosts, {6, 2}},     // rotations cost a little, too
    DatedRule{KernelRule::kZsmallocEvicts, {6, 2}},    // zswap can write back pages that are in zsmalloc
    DatedRule{KernelRule::kNoFileWriteback, {6, 3}},   // reclaim leaves dirty pages of ext4 to the flushers
    // zswap has one LRU of its own; a full pool shrinks to its threshold
    DatedRule{KernelRule::kZswapShrinksFar, {6, 5}},
    DatedRule{KernelRule::kMovableMarksApart, {6, 6}},  // zone Movable takes no share of min_free_kbytes
    DatedRule{KernelRule::kPcpAutoTuned, {6, 7}},       // pcp->high follows the use of the list
    // Not a rule of the kernel but the choice of distributions: Ubuntu 24.04, Fedora; Debian from 6.12 on.
    DatedRule{KernelRule::kMultiGenByDefault, {6, 8}},  // the multi-gen LRU is on where the host does not say
    DatedRule{KernelRule::kZswapByGroup, {6, 8}},       // zswap has an LRU per cgroup and node, and a shrinker
    DatedRule{KernelRule::kLargeLruBatch, {6, 9}},      // a CPU's LRU batch is 31 pages, not 15
    DatedRule{KernelRule::kZswapExclusive, {6, 9}},     // a page that is read back leaves zswap
    // direct reclaim visits some cgroups first, and all in a second round
    DatedRule{KernelRule::kPartialCgroupWalk, {6, 11}},
    // writes to swap may use the whole queue of the device (seen in)
    DatedRule{KernelRule::kSwapBeforeWbtLimit, {6, 12}},
    DatedRule{KernelRule::kNodeReclaimSuccess, {6, 12}},  // zone_reclaim_success is counted (seen in)
    // the watermark test subtracts only free pages of the highatomic reserve (seen in)
    DatedRule{KernelRule::kFreeHighatomic, {6, 12}},
    DatedRule{KernelRule::kTaskTableSplitsRss, {6, 12}},  // the task table of an OOM report splits rss (seen in)
    DatedRule{KernelRule::kZeromap, {6, 12}},  // a page of zeros is a bit of its swap device, and takes no write
};

constexpr bool holds(KernelRule rule, KernelVersion kernel) {
  return kernel >= kKernelRules[static_cast<size_t>(rule)].since;
}

}  // namespace oomcast::host
