// Pages get to swap. Slots and their reuse, full devices, and who still needs a slot.
#include "model/mm/swap.h"

#include <gtest/gtest.h>

#include <set>

#include "model/mm/lru.h"
#include "model/mm/page_alloc.h"
#include "model/mm/shrink_lists.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

HostBuilder plain() { return HostBuilder().plain_node(20000_pages); }

host::PageId new_anon(Machine& m) {
  return new_page(m.k, alloc_page(m.k, kGfpHighUserMovable, 0), host::kPageSwapBacked);
}

// Gives `count` new pages a slot each; how many got one.
int64_t fill(Machine& m, int64_t count, std::vector<host::SlotId>* slots = nullptr) {
  int64_t got = 0;
  m.run([&] {
    for (int64_t i = 0; i < count; ++i) {
      const host::PageId id = new_anon(m);
      if (!add_to_swap(m.k, id)) continue;
      ++got;
      if (slots) slots->push_back(m.host.pages[id].slot);
    }
  });
  return got;
}

// Pages [0, count) of a process, swapped out and their memory free.
host::ProcessIndex swapped_out(Machine& m, int64_t count) {
  const auto app = m.start(100);
  m.touch(app, 0, count);
  for (int pass = 0; pass < 3; ++pass) {
    m.run([&] {
      SwapPlug plug(m.k);
      ScanControl sc;
      for (int64_t i = 0; i < count; i += 32) shrink_inactive_list(m.k, 0, host::kRootCgroup, 32, false, sc);
      plug.flush();
    });
    m.pass(1_s);
  }
  EXPECT_EQ(m.process(app).swap_entries, count);
  EXPECT_EQ(m.count(Vmstat::pgsteal_anon), count);
  return app;
}

TEST(Swap, SlotsAreHandedOutInOrder) {
  Machine m(plain().swap(64_MiB).build(), Kswapd::kAbsent);
  std::vector<host::SlotId> slots;
  fill(m, 200, &slots);
  for (size_t i = 0; i < slots.size(); ++i) EXPECT_EQ(slots[i], i);
}

TEST(Swap, AFullDeviceTakesNoMore) {
  Machine m(plain().swap(to_bytes(100_pages)).build(), Kswapd::kAbsent);
  EXPECT_EQ(fill(m, 150), 100);
  EXPECT_EQ(m.host.free_swap(), 0);
}

TEST(Swap, TheDeviceOfHigherPriorityIsFilledFirst) {
  Machine m(plain().swap(to_bytes(100_pages), {}, 1).swap(to_bytes(100_pages), {}, 5).build(), Kswapd::kAbsent);
  EXPECT_EQ(m.host.swaps[0].spec().priority, 5);
  std::vector<host::SlotId> slots;
  fill(m, 150, &slots);
  EXPECT_EQ(host::SwapDevice::device_of(slots[99]), 0u);
  EXPECT_EQ(host::SwapDevice::device_of(slots[100]), 1u);
  EXPECT_EQ(m.host.swaps[0].free(), 0);
  EXPECT_EQ(m.host.swaps[1].free(), 50);
}

TEST(Swap, WhatWasUsedBeforeTheRunStaysUsed) {
  Machine m(plain().swap(to_bytes(100_pages), to_bytes(40_pages)).build(), Kswapd::kAbsent);
  EXPECT_EQ(fill(m, 100), 60);
}

TEST(Swap, ACpuCachesSixtyFourSlotsWhilePlentyIsFree) {
  Machine m(plain().swap(64_MiB).build(), Kswapd::kAbsent);
  const int64_t free = m.host.free_swap();
  fill(m, 1);
  EXPECT_EQ(m.host.free_swap(), free - 64);
  EXPECT_EQ(m.host.cached_slots, 63);
  fill(m, 63);
  EXPECT_EQ(m.host.free_swap(), free - 64);
}

TEST(Swap, NoSlotsAreCachedWhenTheyGetScarce) {
  // One CPU: the cache fills above 5 * 64 free slots and is given back below 2 * 64.
  Machine m(plain().swap(to_bytes(330_pages)).build(), Kswapd::kAbsent);
  fill(m, 1);
  EXPECT_EQ(m.host.cached_slots, 63);
  fill(m, 63 + 150);
  EXPECT_EQ(m.host.cached_slots, 0);
  EXPECT_EQ(m.host.free_swap(), 330 - 64 - 150);
}

TEST(Swap, AFreedSlotIsUsedAgain) {
  Machine m(plain().swap(to_bytes(100_pages)).build(), Kswapd::kAbsent);
  const auto app = swapped_out(m, 64);
  m.run([&] { zap_range(m.k, app, 0, 64); });
  EXPECT_EQ(m.host.free_swap(), 100);
  EXPECT_EQ(fill(m, 150), 100);
}

TEST(Swap, ASlotIsFreeOnlyWhenItsLastEntryIsGone) {
  Machine m(plain().swap(to_bytes(100_pages)).build(), Kswapd::kAbsent);
  const auto parent = swapped_out(m, 8);
  const auto child = m.start(101);
  m.run([&] { copy_address_space(m.k, parent, child); });
  EXPECT_EQ(m.process(child).swap_entries, 8);
  EXPECT_EQ(m.host.guest_swapped, 8) << "eight slots, sixteen entries";
  m.run([&] { zap_range(m.k, parent, 0, 8); });
  EXPECT_EQ(m.host.free_swap(), 92);
  m.run([&] { zap_range(m.k, child, 0, 8); });
  EXPECT_EQ(m.host.free_swap(), 100);
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST(Swap, UnmappingAPageInTheSwapCacheFreesItsSlotToo) {
  Machine m(plain().swap(to_bytes(100_pages)).build(), Kswapd::kAbsent);
  const auto app = swapped_out(m, 8);
  m.read(app, 0, 8);
  ASSERT_TRUE(m.page(app, 0).has(host::kPageSwapCache));
  m.run([&] { zap_range(m.k, app, 0, 8); });
  EXPECT_EQ(m.host.free_swap(), 100);
  EXPECT_EQ(m.host.guest_anon, 0);
}

TEST(Swap, ExitWhilePagesAreBeingWrittenFreesThemWhenTheWriteEnds) {
  Machine m(plain().swap(to_bytes(100_pages)).build(), Kswapd::kAbsent);
  const int64_t available = m.available();
  const auto app = m.start(100);
  m.touch(app, 0, 8);
  for (int i = 0; i < 2; ++i) {
    m.run([&] {
      SwapPlug plug(m.k);
      ScanControl sc;
      shrink_inactive_list(m.k, 0, host::kRootCgroup, 32, false, sc);
      plug.flush();
    });
  }
  ASSERT_EQ(m.node().nr_writeback, 8);
  m.run([&] { exit_process(m.k, app); });
  EXPECT_LT(m.available(), available);
  m.pass(1_s);
  EXPECT_EQ(m.available(), available);
  EXPECT_EQ(m.host.free_swap(), 100);
  EXPECT_EQ(m.node().nr_writeback, 0);
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST(Swap, IsFullFromHalfOn) {
  Machine m(plain().swap(to_bytes(100_pages)).build(), Kswapd::kAbsent);
  fill(m, 50);
  EXPECT_FALSE(vm_swap_full(m.k, host::kRootCgroup));
  fill(m, 1);
  EXPECT_TRUE(vm_swap_full(m.k, host::kRootCgroup));
}

TEST(Swap, ASlotIsNotTakenFromAPageThatIsBeingWrittenOrThatOthersWillWant) {
  Machine m(plain().swap(to_bytes(100_pages)).build(), Kswapd::kAbsent);
  m.run([&] {
    const host::PageId id = new_anon(m);
    EXPECT_FALSE(free_swap(m.k, id)) << "it has none";
    ASSERT_TRUE(add_to_swap(m.k, id));
    m.host.pages[id].set(host::kPageWriteback);
    EXPECT_FALSE(free_swap(m.k, id));
    m.host.pages[id].clear(host::kPageWriteback);
    m.host.slot(m.host.pages[id].slot).map_count = 1;
    EXPECT_FALSE(free_swap(m.k, id));
    m.host.slot(m.host.pages[id].slot).map_count = 0;
    m.host.pages[id].clear(host::kPageDirty);
    EXPECT_TRUE(free_swap(m.k, id));
    EXPECT_TRUE(m.host.pages[id].has(host::kPageDirty)) << "its only copy is in memory again";
  });
}

TEST(Swap, EveryWrittenPageCountsFourKilobytesOut) {
  Machine m(plain().swap(64_MiB).build(), Kswapd::kAbsent);
  swapped_out(m, 64);
  EXPECT_EQ(m.count(Vmstat::pswpout), 64);
  EXPECT_EQ(m.count(Vmstat::pgpgout), 256);
  EXPECT_EQ(m.count(Vmstat::nr_vmscan_write), 64);
  EXPECT_EQ(m.count(Vmstat::nr_written), 64);
}

}  // namespace
}  // namespace oomcast::mm
