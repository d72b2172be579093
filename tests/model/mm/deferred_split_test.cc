// What is unmapped of a huge page stays in memory until the huge page is split.
#include "model/mm/deferred_split.h"

#include <gtest/gtest.h>

#include "model/mm/fault.h"
#include "model/mm/free_blocks.h"
#include "model/mm/page_alloc.h"
#include "model/mm/shrink_lists.h"
#include "model/mm/swap.h"
#include "model/mm/vmscan.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::ThpMode;
using host::Vmstat;
using support::anonymous;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

constexpr uint64_t kHuge = 512;

HostBuilder always() { return HostBuilder().plain_node(20000_pages).huge_pages(ThpMode::kAlways); }

// A process with so many huge pages, all touched.
host::ProcessIndex start_with(Machine& m, uint64_t huge_pages) {
  const auto app = m.start(100);
  m.process(app).space.map(0, (huge_pages * kHuge) << kPageShift, anonymous());
  m.touch(app, 0, static_cast<int64_t>(huge_pages * kHuge));
  return app;
}

void unmap(Machine& m, host::ProcessIndex app, uint64_t first, uint64_t last) {
  m.run([&] { zap_range(m.k, app, first, last); });
}

TEST(DeferredSplit, WhatIsUnmappedIsNoLongerTheProcesssAndNotFree) {
  Machine m(always().build());
  const auto app = start_with(m, 1);
  const int64_t available = m.available();
  unmap(m, app, 100, 200);
  EXPECT_EQ(m.process(app).rss_anon, 412);
  EXPECT_EQ(m.host.guest_anon, 412);
  EXPECT_EQ(m.available(), available);
  EXPECT_EQ(m.count(Vmstat::thp_deferred_split_page), 1);
  EXPECT_EQ(m.count(Vmstat::thp_split_pmd), 1);
  m.expect_sound();
}

TEST(DeferredSplit, AllOfItIsFreeWhenNothingOfItIsMapped) {
  Machine m(always().build());
  const auto app = start_with(m, 1);
  const int64_t available = m.available();
  unmap(m, app, 100, 200);
  unmap(m, app, 0, 99);
  EXPECT_EQ(m.available(), available) << "one page and the end of it are mapped";
  unmap(m, app, 99, 512);
  EXPECT_EQ(m.available(), available + 512);
  EXPECT_EQ(m.count(Vmstat::thp_split_page), 0) << "it went as a whole";
  EXPECT_TRUE(m.host.partly_mapped.empty());
  m.expect_sound();
}

TEST(DeferredSplit, AWholeHugePageIsNotQueued) {
  Machine m(always().build());
  const auto app = start_with(m, 2);
  unmap(m, app, 0, 512);
  EXPECT_EQ(m.count(Vmstat::thp_deferred_split_page), 0);
  EXPECT_EQ(m.process(app).rss_anon, 512);
}

TEST(DeferredSplit, ATouchOfTheHoleBringsASmallPageThatIsHeldBackByNobody) {
  Machine m(always().build());
  const auto app = start_with(m, 1);
  unmap(m, app, 100, 200);
  const int64_t available = m.available();
  m.touch(app, 150, 1);
  EXPECT_EQ(m.available(), available - 1);
  unmap(m, app, 150, 151);
  EXPECT_EQ(m.available(), available);
  m.expect_sound();
}

TEST(DeferredSplit, ReclaimThatMeetsTheHugePageFreesTheHoleWithoutWriting) {
  Machine m(HostBuilder().plain_node(6000_pages).swap(32_MiB).huge_pages(ThpMode::kAlways).build(), Kswapd::kAbsent);
  const auto app = start_with(m, 1);
  unmap(m, app, 100, 512);
  const int64_t available = m.available();
  ScanControl sc;
  for (uint64_t vpn = 0; vpn < 100; ++vpn) const_cast<host::Page&>(m.page(app, vpn)).clear(host::kPageYoung);
  m.run([&] {
    SwapPlug plug(m.k);
    shrink_inactive_list(m.k, 0, host::kRootCgroup, 32, false, sc);
  });
  EXPECT_EQ(m.available(), available + 412);
  EXPECT_EQ(m.count(Vmstat::thp_split_page), 1);
  EXPECT_EQ(m.process(app).rss_anon + m.process(app).swap_entries, 100) << "what was mapped is kept, here or in swap";
  EXPECT_TRUE(m.host.partly_mapped.empty());
  m.expect_sound();
}

TEST(DeferredSplit, TheShrinkerSplitsThemOncePressureIsHigh) {
  Machine m(always().build(), Kswapd::kAbsent);
  const auto app = start_with(m, 3);
  for (uint64_t huge = 0; huge < 3; ++huge) unmap(m, app, huge * kHuge + 100, huge * kHuge + 200);
  const int64_t available = m.available();
  int64_t split = 0;
  m.run([&] { split = shrink_deferred_splits(m.k, 0, host::kRootCgroup, kDefPriority); });
  EXPECT_EQ(split, 0);
  m.run([&] { split = shrink_deferred_splits(m.k, 0, host::kRootCgroup, 0); });
  EXPECT_EQ(split, 3);
  EXPECT_EQ(m.available(), available + 300);
  EXPECT_EQ(m.count(Vmstat::thp_split_page), 3);
  m.expect_sound();
}

TEST(DeferredSplit, WhatTheShrinkerLeftIsPartOfItsNextTurn) {
  Machine m(always().build(), Kswapd::kAbsent);
  const auto app = start_with(m, 3);
  for (uint64_t huge = 0; huge < 3; ++huge) unmap(m, app, huge * kHuge + 100, huge * kHuge + 200);
  std::vector<int64_t> split;
  for (int turn = 0; turn < 2; ++turn)
    m.run([&] { split.push_back(shrink_deferred_splits(m.k, 0, host::kRootCgroup, 1)); });
  EXPECT_EQ(split, (std::vector<int64_t>{0, 3})) << "two of three are too few to begin with";
}

TEST(DeferredSplit, EachGroupHasAQueueOfItsOwn) {
  Machine m(HostBuilder().plain_node(20000_pages).limit(64_MiB).huge_pages(ThpMode::kAlways).build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.process(app).cgroup = m.host.app_cgroup;
  m.process(app).space.map(0, kHuge << kPageShift, anonymous());
  m.touch(app, 0, 512);
  unmap(m, app, 100, 200);
  const int64_t charged = m.host.cgroups[m.host.app_cgroup].usage;
  int64_t of_root = 0, own = 0;
  m.run([&] {
    of_root = shrink_deferred_splits(m.k, 0, host::kRootCgroup, 0);
    own = shrink_deferred_splits(m.k, 0, m.host.app_cgroup, 0);
  });
  EXPECT_EQ(of_root, 0);
  EXPECT_EQ(own, 1);
  EXPECT_EQ(m.host.cgroups[m.host.app_cgroup].usage, charged - 100) << "it was charged until now";
  m.expect_sound();
}

TEST(DeferredSplit, MemoryThatIsHeldBackIsThereBeforeAnybodyIsKilled) {
  Machine m(always().set("vm.min_free_kbytes", 512).build());
  const auto app = start_with(m, 30);
  for (uint64_t huge = 0; huge < 30; ++huge) unmap(m, app, huge * kHuge + 100, (huge + 1) * kHuge);
  const auto other = m.start(101);
  EXPECT_EQ(m.touch(other, 1 << 20, 14000), 14000);
  EXPECT_TRUE(m.outcome.oom_kills.empty());
  EXPECT_GT(m.count(Vmstat::thp_split_page), 0);
  m.expect_sound();
}

TEST(DeferredSplit, ForkSplitsAtOnce) {
  Machine m(always().build());
  const auto app = start_with(m, 1);
  unmap(m, app, 100, 200);
  const int64_t available = m.available();
  const auto child = m.start(101);
  m.run([&] { copy_address_space(m.k, app, child); }, 0, 100);
  EXPECT_TRUE(m.host.partly_mapped.empty());
  EXPECT_GT(m.available(), available + 90) << "less what the child's page tables take";
  m.expect_sound();
}

TEST(DeferredSplit, OfAHugePageThatForkHasSharedNothingIsHeldBack) {
  Machine m(always().build());
  const auto app = start_with(m, 1);
  const auto child = m.start(101);
  m.run([&] { copy_address_space(m.k, app, child); }, 0, 100);
  unmap(m, app, 100, 200);
  EXPECT_EQ(m.count(Vmstat::thp_deferred_split_page), 0) << "the child has it all";
  EXPECT_EQ(m.process(app).space.huge_leaves, 0);
  m.expect_sound();
  const int64_t available = m.available();
  unmap(m, child, 0, 512);
  EXPECT_EQ(m.available(), available + 100);
  m.expect_sound();
  unmap(m, app, 0, 512);
  EXPECT_EQ(m.host.guest_anon, 0);
  m.expect_sound();
}

TEST(DeferredSplit, AHugePageThatOneHasToItselfAgainIsHeldBack) {
  Machine m(always().build());
  const auto app = start_with(m, 1);
  const auto child = m.start(101);
  m.run([&] { copy_address_space(m.k, app, child); }, 0, 100);
  m.run([&] { exit_process(m.k, child); });
  unmap(m, app, 100, 200);
  EXPECT_EQ(m.count(Vmstat::thp_deferred_split_page), 1);
  m.expect_sound();
}

TEST(DeferredSplit, WhatAnotherShrinkerHasInHandIsNotScanned) {
  Machine m(always().build(), Kswapd::kAbsent);
  const auto app = start_with(m, 3);
  for (uint64_t huge = 0; huge < 3; ++huge) unmap(m, app, huge * kHuge + 100, huge * kHuge + 200);
  for (auto& [key, huge] : m.host.partly_mapped) huge.taken = true;
  m.run([&] { EXPECT_EQ(shrink_deferred_splits(m.k, 0, host::kRootCgroup, 0), 0); });
  EXPECT_EQ(m.count(Vmstat::slabs_scanned), 0) << "SHRINK_STOP at once";
}

TEST(DeferredSplit, AHugePageThatWasUsedSinceTheLastScanIsKeptWhole) {
  Machine m(HostBuilder().plain_node(6000_pages).swap(32_MiB).huge_pages(ThpMode::kAlways).build(), Kswapd::kAbsent);
  const auto app = start_with(m, 1);
  unmap(m, app, 100, 512);
  ScanControl sc;
  m.run([&] {
    SwapPlug plug(m.k);
    shrink_inactive_list(m.k, 0, host::kRootCgroup, 32, false, sc);
  });
  EXPECT_EQ(m.count(Vmstat::thp_split_page), 0);
  EXPECT_EQ(m.process(app).rss_anon, 100);
  m.expect_sound();
}

// A page of it is still in use, and its block is not whole.
TEST(DeferredSplit, WhatASplitFreesIsPiecesUntilTheRestIsFree) {
  Machine m(always().build(), Kswapd::kAbsent);
  const auto app = start_with(m, 4);
  m.run([&] { drain_all_pages(m.host); });
  const int64_t blocks = whole_free_blocks(m.zone());
  for (uint64_t huge = 0; huge < 4; ++huge) unmap(m, app, huge * kHuge + 1, (huge + 1) * kHuge);
  m.run([&] { split_partly_mapped(m.k, app, 0, 4 * kHuge); });
  m.run([&] { drain_all_pages(m.host); });
  EXPECT_EQ(m.zone().split_pieces, 4 * 511);
  EXPECT_EQ(whole_free_blocks(m.zone()), blocks);
  m.run([&] {
    exit_process(m.k, app);
    drain_all_pages(m.host);
  });
  EXPECT_EQ(m.zone().split_pieces, 0);
  EXPECT_EQ(whole_free_blocks(m.zone()), blocks + 4);
}

TEST(DeferredSplit, AProcessThatEndsLeavesNothingBehind) {
  Machine m(always().build());
  const auto app = start_with(m, 3);
  unmap(m, app, 100, 200);
  m.run([&] { exit_process(m.k, app); });
  EXPECT_TRUE(m.host.partly_mapped.empty());
  EXPECT_EQ(m.host.guest_anon, 0);
  EXPECT_EQ(m.count(Vmstat::thp_deferred_split_page), 1) << "the others went as a whole";
  m.expect_sound();
}

}  // namespace
}  // namespace oomcast::mm
