// Says which rules a kernel follows, by its version: what changed between Linux 3.10 and 6.12 and matters to a
// forecast.
//
// The table is the only place with dates. A rule that is not in force yet has the older one's behaviour, which is
// written at the place that asks. "Seen in": Linux 5.10, 6.1 and 6.12 were compared, and the change lies between two of
// them; the later one is taken. Distributions move changes into older kernels; a host's version does not tell.
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

/// In the order of KernelRule, and of time.
inline constexpr std::array kKernelRules = {
    DatedRule{KernelRule::kKernelMemoryCharged, {4, 5}},  // a group pays for the kernel's memory, too
    DatedRule{KernelRule::kWatermarkScale, {4, 6}},       // low and high marks follow vm.watermark_scale_factor
    DatedRule{KernelRule::kNoRootBonus, {4, 17}},         // root's processes no longer have 3 % fewer points
    DatedRule{KernelRule::kWatermarkBoost, {5, 0}},       // a zone that had to mix kinds of blocks is boosted
    DatedRule{KernelRule::kLaterWinsTie, {5, 3}},   // of processes with equal points the last is killed, not the first
    DatedRule{KernelRule::kHighSleeps, {5, 4}},     // who is far above memory.high sleeps; before, it reclaims only
    DatedRule{KernelRule::kSecondRound, {5, 5}},    // reclaim that finds nothing tries again on active pages
    DatedRule{KernelRule::kLargerMinFree, {5, 7}},  // min_free_kbytes chosen at boot may reach 256 MiB, not 64
    DatedRule{KernelRule::kRefaultCosts, {5, 8}},   // refaults decide between anonymous and file pages, not rotations
    DatedRule{KernelRule::kAnonStartsInactive, {5, 9}},  // new anonymous pages are inactive; their refaults are counted
    DatedRule{KernelRule::kSignedPoints, {5, 9}},        // points may be negative; before, 1 is the least
    DatedRule{KernelRule::kSharedSlabs, {5, 9}},         // groups share slab caches
    DatedRule{KernelRule::kPatientCgroups, {5, 9}},  // a group at its limit reclaims 16 times before it kills, not 5
    // Linux 6.1; the stable series from 5.10 on have it, too.
    DatedRule{KernelRule::kPlanCutShort, {5, 10}},        // a pass stops when enough is reclaimed, also after its cut
    DatedRule{KernelRule::kStallsOnCpuAreFull, {5, 13}},  // reclaim on a CPU is full pressure, not where a tick hits it
    DatedRule{KernelRule::kPcpGivesMore, {5, 14}},  // a CPU's free list gives back more at once while pages keep coming
    DatedRule{KernelRule::kReclaimThrottle, {5, 16}},   // reclaim waits for progress, not for congestion
    DatedRule{KernelRule::kHighSleepsInCall, {5, 18}},  // a call that takes many pages sleeps inside it
    DatedRule{KernelRule::kLargeChargeBatch, {6, 1}},   // a CPU takes 64 pages of a group's limit at once, not 32
    DatedRule{KernelRule::kRotationCosts, {6, 2}},      // rotations cost a little, too
    DatedRule{KernelRule::kZsmallocEvicts, {6, 2}},     // zswap can write back what it keeps in zsmalloc
    DatedRule{KernelRule::kNoFileWriteback, {6, 3}},    // reclaim leaves dirty pages of ext4 to the flushers
    DatedRule{KernelRule::kZswapShrinksFar,
              {6, 5}},  // zswap's own list of pages; when full it shrinks to its threshold
    DatedRule{KernelRule::kMovableMarksApart, {6, 6}},  // zone Movable takes no share of min_free_kbytes
    DatedRule{KernelRule::kPcpAutoTuned, {6, 7}},       // the size of a CPU's free list follows its use
    // Not the kernel's but its builders' choice: Ubuntu 24.04, Fedora; Debian from 6.12 on.
    DatedRule{KernelRule::kMultiGenByDefault, {6, 8}},   // the multi-gen LRU is on where a host does not say
    DatedRule{KernelRule::kZswapByGroup, {6, 8}},        // zswap has a list of each group and node, and a shrinker
    DatedRule{KernelRule::kLargeLruBatch, {6, 9}},       // a CPU keeps 31 pages before it puts them onto lists, not 15
    DatedRule{KernelRule::kZswapExclusive, {6, 9}},      // a page that is read back is in zswap no more
    DatedRule{KernelRule::kPartialCgroupWalk, {6, 11}},  // direct reclaim asks some groups first, all in a second round
    DatedRule{KernelRule::kSwapBeforeWbtLimit, {6, 12}},  // writes to swap have all of the device's queue (seen in)
    DatedRule{KernelRule::kNodeReclaimSuccess, {6, 12}},  // zone_reclaim_success is counted (seen in)
    DatedRule{KernelRule::kFreeHighatomic, {6, 12}},      // the mark counts the reserves' free pages only (seen in)
    DatedRule{KernelRule::kTaskTableSplitsRss, {6, 12}},  // the OOM report's table splits rss (seen in)
    DatedRule{KernelRule::kZeromap, {6, 12}},             // a page of zeros is a bit of its swap device
};

constexpr bool holds(KernelRule rule, KernelVersion kernel) {
  return kernel >= kKernelRules[static_cast<size_t>(rule)].since;
}

}  // namespace oomcast::host
