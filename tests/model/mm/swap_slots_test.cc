// Pages get swap slots. Turns of equal devices, clusters, reuse, and the per-CPU caches.
#include "model/mm/swap_slots.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "model/mm/lru.h"
#include "model/mm/page_alloc.h"
#include "model/mm/swap.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::SlotId;
using host::SwapDevice;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

constexpr Pages kFew = 300_pages;  // too few slots for a CPU to cache some

HostBuilder plain() { return HostBuilder().plain_node(20000_pages); }

std::vector<SlotId> take(Machine& m, int count, host::CpuIndex cpu = 0) {
  std::vector<SlotId> slots;
  m.run([&] {
    m.k.sched.current().cpu = cpu;
    for (int i = 0; i < count; ++i) slots.push_back(alloc_swap_slot(m.k));
  });
  return slots;
}

void free_slots(Machine& m, SlotId first, SlotId last) {
  m.run([&] {
    for (SlotId id = first; id < last; ++id) free_swap_slot(m.k, id);
  });
}

TEST(SwapSlots, DevicesOfEqualPriorityTakeTurns) {
  Machine m(plain().swap(to_bytes(100_pages), {}, 5).swap(to_bytes(100_pages), {}, 5).build(), Kswapd::kAbsent);
  const std::vector<SlotId> slots = take(m, 6);
  for (size_t i = 0; i < slots.size(); ++i) EXPECT_EQ(SwapDevice::device_of(slots[i]), i % 2) << i;
}

TEST(SwapSlots, ATurnIsSixtyFourSlotsWhilePlentyIsFree) {
  Machine m(plain().swap(64_MiB, {}, 5).swap(64_MiB, {}, 5).build(), Kswapd::kAbsent);
  const std::vector<SlotId> slots = take(m, 192);
  EXPECT_EQ(SwapDevice::device_of(slots[63]), 0u);
  EXPECT_EQ(SwapDevice::device_of(slots[64]), 1u);
  EXPECT_EQ(SwapDevice::device_of(slots[128]), 0u);
}

TEST(SwapSlots, AFullDeviceLosesItsTurn) {
  Machine m(plain().swap(to_bytes(2_pages), {}, 5).swap(to_bytes(100_pages), {}, 5).build(), Kswapd::kAbsent);
  const std::vector<SlotId> slots = take(m, 10);
  for (size_t i = 4; i < slots.size(); ++i) EXPECT_EQ(SwapDevice::device_of(slots[i]), 1u);
}

TEST(SwapSlots, NothingIsLeftWhenEverythingIsTaken) {
  Machine m(plain().swap(to_bytes(3_pages)).build(), Kswapd::kAbsent);
  EXPECT_EQ(take(m, 4).back(), host::kNoSlot);
}

TEST(SwapSlots, ADiskThatTurnsGoesOnWhereItStoppedThoughSlotsBeforeAreFree) {
  Machine m(plain().swap(to_bytes(kFew)).build(), Kswapd::kAbsent);
  take(m, 100);
  free_slots(m, 10, 20);
  EXPECT_EQ(take(m, 1).front(), 100u);
}

TEST(SwapSlots, AfterFiveHundredAndTwelveSlotsADiskLooksForAsManyInARowFromItsStart) {
  Machine m(plain().cpus(4).swap(to_bytes(2000_pages)).build(), Kswapd::kAbsent);
  take(m, 512 * 2);
  m.host.swap_slot_cache_active = false;
  free_slots(m, 100, 612);
  EXPECT_EQ(take(m, 1).front(), 100u);
}

TEST(SwapSlots, AFreedSlotWaitsInItsCpusCacheUntilSixtyFourAreThere) {
  Machine m(plain().swap(64_MiB).build(), Kswapd::kAbsent);
  take(m, 128);
  const int64_t free = m.host.free_swap();
  free_slots(m, 0, 64);
  EXPECT_EQ(m.host.free_swap(), free);
  free_slots(m, 64, 65);
  EXPECT_EQ(m.host.free_swap(), free + 64);
  EXPECT_EQ(m.host.cached_slots, 1);
}

TEST(SwapSlots, ScarcityBringsTheCachedSlotsBack) {
  Machine m(plain().swap(to_bytes(330_pages)).build(), Kswapd::kAbsent);
  take(m, 150);
  free_slots(m, 0, 30);
  EXPECT_EQ(m.host.free_swap(), 330 - 192);
  take(m, 64);
  EXPECT_EQ(m.host.cached_slots, 0);
  EXPECT_EQ(m.host.free_swap(), 330 - 150 + 30 - 64);
}

host::HostSpec two_cpus_with_an_ssd() {
  host::HostSpec spec = plain().cpus(2).swap(to_bytes(600_pages)).build();
  spec.swaps[0].rotational = false;
  return spec;
}

TEST(SwapSlots, OnAnSsdEachCpuHasAClusterOfItsOwn) {
  Machine m(two_cpus_with_an_ssd(), Kswapd::kAbsent);
  EXPECT_EQ(take(m, 2, 0), (std::vector<SlotId>{0, 1}));
  EXPECT_EQ(take(m, 2, 1), (std::vector<SlotId>{512, 513}));
  EXPECT_EQ(take(m, 1, 0), (std::vector<SlotId>{2}));
}

TEST(SwapSlots, WithoutAFreeClusterAnSsdGivesWhatIsLeft) {
  Machine m(two_cpus_with_an_ssd(), Kswapd::kAbsent);
  take(m, 1, 0);
  const std::vector<SlotId> slots = take(m, 599, 1);
  EXPECT_EQ(std::count(slots.begin(), slots.end(), host::kNoSlot), 0);
  EXPECT_EQ(m.host.free_swap(), 0);
}

// A page that was read back keeps its slot; when swap is more than half full and the search comes by, it loses it.
TEST(SwapSlots, ASlotThatOnlyTheSwapCacheHoldsIsReusedWhenSwapIsScarce) {
  Machine m(plain().swap(to_bytes(10_pages)).build(), Kswapd::kAbsent);
  host::PageId cached = host::kNoPage;
  m.run([&] {
    cached = new_page(m.k, alloc_page(m.k, kGfpHighUserMovable, 0), host::kPageSwapBacked);
    ASSERT_TRUE(add_to_swap(m.k, cached));
  });
  take(m, 8);
  free_slots(m, 3, 4);
  EXPECT_EQ(take(m, 2), (std::vector<SlotId>{9, 0})) << "the search goes on at the end and wraps to the cached one";
  EXPECT_FALSE(m.host.pages[cached].has(host::kPageSwapCache));
  EXPECT_TRUE(m.host.pages[cached].has(host::kPageDirty));
}

TEST(SwapSlots, ASlotThatOnlyTheSwapCacheHoldsIsLeftAloneWhileHalfOfTheSwapIsFree) {
  Machine m(plain().swap(to_bytes(10_pages)).build(), Kswapd::kAbsent);
  host::PageId cached = host::kNoPage;
  m.run([&] {
    cached = new_page(m.k, alloc_page(m.k, kGfpHighUserMovable, 0), host::kPageSwapBacked);
    ASSERT_TRUE(add_to_swap(m.k, cached));
  });
  take(m, 9);
  free_slots(m, 2, 9);
  EXPECT_EQ(take(m, 1), (std::vector<SlotId>{2}));
  EXPECT_TRUE(m.host.pages[cached].has(host::kPageSwapCache));
}

}  // namespace
}  // namespace oomcast::mm
