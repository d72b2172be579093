// khugepaged collapses small pages into huge ones, which take more of the host than the program uses.
#include "model/mm/khugepaged.h"

#include <gtest/gtest.h>

#include "model/mm/fault.h"
#include "model/mm/rmap.h"
#include "model/mm/swap.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::HugeAdvice;
using host::ThpMode;
using host::Vmstat;
using support::anonymous;
using support::HostBuilder;
using support::Machine;
using namespace oomcast::literals;

constexpr uint64_t kHuge = 512;

HostBuilder always() { return HostBuilder().plain_node(20000_pages).huge_pages(ThpMode::kAlways); }

void advise(Machine& m, host::ProcessIndex app, HugeAdvice advice) {
  m.process(app).space.change(0, (64 * kHuge) << kPageShift, [advice](auto& mapping) { mapping.huge = advice; });
}

// A process that has touched the first `pages` of each of `ranges`, one by one, and may have huge pages from now on.
host::ProcessIndex start_with(Machine& m, uint64_t ranges, int64_t pages) {
  const auto app = m.start(100);
  m.process(app).space.map(0, (ranges * kHuge) << kPageShift, anonymous(HugeAdvice::kUnwanted));
  for (uint64_t range = 0; range < ranges; ++range) m.touch(app, range * kHuge, pages);
  advise(m, app, HugeAdvice::kNone);
  return app;
}

Collapse scan(Machine& m, host::ProcessIndex app, uint64_t first = 0) {
  Collapse result = Collapse::kNone;
  m.run([&] { result = collapse_scan_pmd(m.k, app, first); });
  return result;
}

void scan_round(Machine& m) {
  m.run([&] { khugepaged_do_scan(m.k); });
}

TEST(Khugepaged, APageInUseBringsAHugePageAndTheFootprintGrows) {
  Machine m(always().build());
  const auto app = start_with(m, 1, 20);
  EXPECT_EQ(m.host.guest_anon, 20);
  EXPECT_EQ(scan(m, app), Collapse::kDone);
  EXPECT_EQ(m.process(app).rss_anon, 512);
  EXPECT_EQ(m.host.guest_anon, 512);
  EXPECT_EQ(m.host.guest_untouched, 492);
  EXPECT_EQ(m.process(app).touched_pages, 20) << "the program has touched no more than before";
  EXPECT_EQ(m.process(app).space.huge_leaves, 1);
  EXPECT_EQ(m.count(Vmstat::thp_collapse_alloc), 1);
  EXPECT_EQ(m.count(Vmstat::thp_fault_alloc), 0);
  m.expect_sound();
  m.touch(app, 400, 1);
  EXPECT_EQ(m.process(app).touched_pages, 21);
}

TEST(Khugepaged, SoManyEntriesMayBeEmpty) {
  const auto collapsed = [](int most) {
    Machine m(always().set("vm.khugepaged_max_ptes_none", most).build());
    return scan(m, start_with(m, 1, 100)) == Collapse::kDone;
  };
  EXPECT_FALSE(collapsed(411));
  EXPECT_TRUE(collapsed(412));
}

TEST(Khugepaged, SoManyMayBeSharedWithAForkedProcess) {
  const auto collapsed = [](int most) {
    Machine m(always().set("vm.khugepaged_max_ptes_shared", most).build());
    const auto app = start_with(m, 1, 100);
    const auto child = m.start(101);
    m.run([&] { copy_address_space(m.k, app, child); }, 0, 100);
    m.touch(app, 0, 10);
    return scan(m, app) == Collapse::kDone;
  };
  EXPECT_FALSE(collapsed(89));
  EXPECT_TRUE(collapsed(90));
}

TEST(Khugepaged, WhatIsInSwapComesBackFirstIfItIsNotTooMuch) {
  for (const int most : {9, 10}) {
    Machine m(HostBuilder()
                  .plain_node(20000_pages)
                  .swap(32_MiB)
                  .huge_pages(ThpMode::kAlways)
                  .set("vm.khugepaged_max_ptes_swap", most)
                  .build());
    const auto app = start_with(m, 1, 512);
    m.run([&] {
      SwapPlug plug(m.k);
      for (uint64_t vpn = 0; vpn < 10; ++vpn) {
        const host::PageId id = m.process(app).space.get(vpn).page();
        ASSERT_TRUE(add_to_swap(m.k, id));
        try_to_unmap(m.k, id);
        swap_writepage(m.k, id);
      }
      plug.flush();
    });
    ASSERT_EQ(m.process(app).swap_entries, 10);
    m.pass(1_s);
    EXPECT_EQ(scan(m, app), most < 10 ? Collapse::kNone : Collapse::kDone);
    EXPECT_EQ(m.process(app).swap_entries, most < 10 ? 10 : 0);
    m.expect_sound();
  }
}

TEST(Khugepaged, MemoryThatNobodyHasUsedLatelyIsLeftAlone) {
  Machine m(always().build());
  const auto app = start_with(m, 1, 20);
  for (uint64_t vpn = 0; vpn < 20; ++vpn) clear_young(m.k, m.host.pages[m.process(app).space.get(vpn).page()]);
  EXPECT_EQ(scan(m, app), Collapse::kNone);
  m.read(app, 3, 1);
  EXPECT_EQ(scan(m, app), Collapse::kDone);
}

TEST(Khugepaged, OnlyWhereHugePagesAreAllowed) {
  Machine m(always().build());
  const auto app = start_with(m, 1, 20);
  advise(m, app, HugeAdvice::kUnwanted);
  scan_round(m);
  EXPECT_EQ(m.count(Vmstat::thp_collapse_alloc), 0);
  advise(m, app, HugeAdvice::kNone);
  scan_round(m);
  EXPECT_EQ(m.count(Vmstat::thp_collapse_alloc), 1);
}

TEST(Khugepaged, ARoundScansSoManyEntriesAndTheNextGoesOn) {
  Machine m(always().set("vm.khugepaged_pages_to_scan", 1024).build());
  start_with(m, 5, 20);
  scan_round(m);
  EXPECT_EQ(m.count(Vmstat::thp_collapse_alloc), 2);
  scan_round(m);
  EXPECT_EQ(m.count(Vmstat::thp_collapse_alloc), 4);
  scan_round(m);
  EXPECT_EQ(m.count(Vmstat::thp_collapse_alloc), 5);
}

TEST(Khugepaged, WithoutAHugePageItSleepsOnceAndThenGivesUpTheRound) {
  host::HostSpec spec = always().set("vm.khugepaged_defrag", 0).set("vm.khugepaged_alloc_sleep_ms", 5000).build();
  spec.nodes[0].zones[0].free_blocks = {20000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  Machine m(spec);
  start_with(m, 5, 20);
  const Nanoseconds begin = m.sched.now();
  scan_round(m);
  EXPECT_EQ(m.count(Vmstat::thp_collapse_alloc), 0);
  EXPECT_EQ(m.count(Vmstat::thp_collapse_alloc_failed), 2);
  EXPECT_GE(m.sched.now() - begin, 5_s);
  EXPECT_LT(m.sched.now() - begin, 6_s);
  m.expect_sound();
}

// REQUIRED by PageArray: who sleeps for a minute keeps no reference to a page, and all pages may be folded meanwhile.
TEST(Khugepaged, WhileItSleepsForWantOfAHugePageNobodyIsKeptFromFolding) {
  host::HostSpec spec = always().set("vm.khugepaged_defrag", 0).build();
  spec.nodes[0].zones[0].free_blocks = {20000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  Machine m(spec);
  const auto app = start_with(m, 5, 200);
  m.begin([&] { khugepaged_main(m.k); });
  m.pass(20_s);
  ASSERT_EQ(m.count(Vmstat::thp_collapse_alloc_failed), 1);
  m.touch(app, 64 * kHuge, 1024);
  EXPECT_TRUE(m.host.pages.fold());
}

TEST(Khugepaged, WithDefragItMakesABlock) {
  host::HostSpec spec = always().build();
  spec.nodes[0].zones[0].free_blocks = {20000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  Machine m(spec);
  const auto app = start_with(m, 1, 20);
  EXPECT_EQ(scan(m, app), Collapse::kDone);
  EXPECT_EQ(m.count(Vmstat::compact_success), 1);
}

TEST(Khugepaged, TheHugePageIsOnTheNodeThatHasMost) {
  Machine m(HostBuilder().plain_node(20000_pages).plain_node(20000_pages).huge_pages(ThpMode::kAlways).build());
  const auto app = m.start(100);
  m.process(app).space.map(0, kHuge << kPageShift, anonymous(HugeAdvice::kUnwanted));
  m.touch(app, 0, 10, true, 0);
  m.touch(app, 10, 30, true, 1);
  advise(m, app, HugeAdvice::kNone);
  EXPECT_EQ(scan(m, app), Collapse::kDone);
  EXPECT_EQ(m.page(app, 0).node(), host::NodeIndex(1));
}

TEST(Khugepaged, AGroupWithoutRoomKeepsItsSmallPages) {
  Machine m(HostBuilder()
                .plain_node(20000_pages)
                .limit(1_MiB)
                .huge_pages(ThpMode::kAlways)
                .set("vm.khugepaged_defrag", 0)
                .build());
  const auto app = m.start(100);
  m.process(app).cgroup = m.host.app_cgroup;
  m.process(app).space.map(0, kHuge << kPageShift, anonymous(HugeAdvice::kUnwanted));
  m.touch(app, 0, 20);
  advise(m, app, HugeAdvice::kNone);
  EXPECT_EQ(scan(m, app), Collapse::kNotCharged);
  EXPECT_EQ(m.process(app).rss_anon, 20);
  EXPECT_EQ(m.count(Vmstat::thp_collapse_alloc), 1) << "counted before it is charged";
  m.expect_sound();
}

// MADV_COLLAPSE of the first two ranges.
void collapse_two(Machine& m, host::ProcessIndex app) {
  m.run([&] { madvise_collapse(m.k, app, 0, (2 * kHuge) << kPageShift); }, 0, 100);
  m.expect_sound();
}

TEST(MadviseCollapse, WhatTheHostForbidsKhugepagedAProgramMayDoItself) {
  Machine m(
      HostBuilder().plain_node(20000_pages).huge_pages(ThpMode::kNever).set("vm.khugepaged_max_ptes_none", 0).build());
  const auto app = start_with(m, 3, 1);
  collapse_two(m, app);
  EXPECT_EQ(m.process(app).space.huge_leaves, 2) << "the third range was not asked for";
  EXPECT_EQ(m.process(app).rss_anon, 1025);
  EXPECT_EQ(m.process(app).touched_pages, 3) << "the program has touched no more than before";
  EXPECT_EQ(m.count(Vmstat::thp_collapse_alloc), 2);
}

TEST(MadviseCollapse, NoHugePageIsMadeWhereNothingIsOrWhereTheProgramWantsNone) {
  Machine m(always().build());
  const auto app = m.start(100);
  m.process(app).space.map(0, (2 * kHuge) << kPageShift, anonymous(HugeAdvice::kNone));
  collapse_two(m, app);
  EXPECT_EQ(m.process(app).rss_anon, 0);
  const auto other = start_with(m, 2, 1);
  advise(m, other, HugeAdvice::kUnwanted);
  collapse_two(m, other);
  EXPECT_EQ(m.process(other).space.huge_leaves, 0);
}

TEST(MadviseCollapse, ItEndsAtTheFirstRangeThatGetsNoMemory) {
  Machine m(always().limit(3_MiB).build());
  const auto app = m.start(100);
  m.process(app).cgroup = m.host.app_cgroup;
  m.process(app).space.map(0, (2 * kHuge) << kPageShift, anonymous(HugeAdvice::kUnwanted));
  m.touch(app, 0, 1);
  m.touch(app, kHuge, 1);
  advise(m, app, HugeAdvice::kNone);
  collapse_two(m, app);
  EXPECT_EQ(m.process(app).space.huge_leaves, 1);
}

TEST(MadviseCollapse, ALargeRangeCostsNoMoreThanItsMappings) {
  Machine m(always().build());
  const auto app = start_with(m, 2, 1);
  m.run([&] { madvise_collapse(m.k, app, 0, uint64_t{1} << 56); }, 0, 100);
  EXPECT_EQ(m.process(app).space.huge_leaves, 2);
}

TEST(MadviseCollapse, AnOlderKernelDoesNotKnowIt) {
  Machine m(always().kernel(5, 10).build());
  const auto app = start_with(m, 2, 1);
  collapse_two(m, app);
  EXPECT_EQ(m.process(app).space.huge_leaves, 0);
}

}  // namespace
}  // namespace oomcast::mm
