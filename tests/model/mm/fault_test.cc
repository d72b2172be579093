// Page faults and the calls that give memory back: first touch, fork, copy on write, unmap, MADV_FREE.
#include "model/mm/fault.h"

#include <gtest/gtest.h>

#include "model/mm/page_alloc.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::LruKindIndex;
using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

struct Fault : testing::Test {
  Machine m{HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent};
  host::ProcessIndex app = m.start(100);
  int64_t used() { return m.zone().used; }
  host::ProcessIndex fork(host::ProcessIndex parent, int pid = 101) {
    const auto child = m.start(pid);
    m.run([&] { copy_address_space(m.k, parent, child); });
    return child;
  }
  void TearDown() override { EXPECT_EQ(m.audit(), std::vector<std::string>{}); }
};

TEST_F(Fault, AFirstWriteTakesAPageAndItsPageTables) {
  m.touch(app, 0, 1);
  EXPECT_EQ(m.process(app).rss_anon, 1);
  EXPECT_EQ(m.process(app).table_pages(), 3) << "PTE, PMD and PUD page";
  EXPECT_EQ(used(), 4);
  EXPECT_EQ(m.count(Vmstat::pgfault), 1);
}

TEST_F(Fault, APageTableCoversTwoMegabytes) {
  m.touch(app, 0, 512);
  EXPECT_EQ(m.process(app).table_pages(), 3);
  m.touch(app, 512, 1);
  EXPECT_EQ(m.process(app).table_pages(), 4);
  m.touch(app, 262144, 1);
  EXPECT_EQ(m.process(app).table_pages(), 6) << "another GiB: a PMD page, too";
}

TEST_F(Fault, SparseTouchesCostATableEach) {
  for (uint64_t i = 0; i < 100; ++i) m.touch(app, i * 512, 1);
  EXPECT_EQ(used(), 100 + 100 + 2);
}

TEST_F(Fault, AReadOfFreshMemoryTakesNoMemoryButTables) {
  m.read(app, 0, 500);
  EXPECT_EQ(m.process(app).rss_anon, 0);
  EXPECT_EQ(used(), 3);
  EXPECT_EQ(m.count(Vmstat::pgfault), 500);
  m.read(app, 0, 500);
  EXPECT_EQ(m.count(Vmstat::pgfault), 500) << "the zero page is mapped by now";
}

TEST_F(Fault, TheFirstWriteAfterAReadTakesThePage) {
  m.read(app, 0, 1);
  m.touch(app, 0, 1);
  EXPECT_EQ(m.process(app).rss_anon, 1);
  EXPECT_EQ(m.count(Vmstat::pgfault), 2);
}

TEST_F(Fault, AUsedPageFaultsNoMore) {
  m.touch(app, 0, 10);
  m.touch(app, 0, 10);
  m.read(app, 0, 10);
  EXPECT_EQ(m.count(Vmstat::pgfault), 10);
}

TEST_F(Fault, NewPagesGoToTheInactiveListInBatches) {
  m.touch(app, 0, 14);
  EXPECT_EQ(m.list(LruKindIndex::kInactiveAnon), 0) << "fourteen of fifteen: still in this CPU's batch";
  m.touch(app, 14, 1);
  EXPECT_EQ(m.list(LruKindIndex::kInactiveAnon), 15);
  EXPECT_EQ(m.list(LruKindIndex::kActiveAnon), 0);
}

TEST_F(Fault, ForkCopiesTablesButNoPages) {
  m.touch(app, 0, 100);
  const int64_t before = used();
  const auto child = fork(app);
  EXPECT_EQ(m.process(child).rss_anon, 100);
  EXPECT_EQ(used(), before + 3);
  EXPECT_EQ(m.host.guest_anon, 100) << "each page counted once";
  EXPECT_EQ(m.page(app, 0).mapcount, 2);
}

TEST_F(Fault, TheFirstWriterAfterForkGetsACopy) {
  m.touch(app, 0, 100);
  const auto child = fork(app);
  const int64_t before = used();
  m.touch(child, 0, 10);
  EXPECT_EQ(used(), before + 10);
  EXPECT_NE(m.process(child).space.get(0).page(), m.process(app).space.get(0).page());
  EXPECT_EQ(m.process(child).rss_anon, 100);
  EXPECT_EQ(m.host.guest_anon, 110);
  EXPECT_EQ(m.host.guest_touched, 100) << "a copy is no new footprint of the program";
}

TEST_F(Fault, TheLastSharerWritesWithoutACopy) {
  m.touch(app, 0, 10);
  const auto child = fork(app);
  m.touch(child, 0, 10);
  const int64_t before = used();
  m.touch(app, 0, 10);
  EXPECT_EQ(used(), before);
  EXPECT_EQ(m.page(app, 0).mapcount, 1);
}

TEST_F(Fault, APageOutlivesTheProcessThatTouchedItFirst) {
  m.touch(app, 0, 10);
  const auto child = fork(app);
  m.run([&] { exit_process(m.k, app); });
  EXPECT_EQ(m.host.guest_anon, 10);
  EXPECT_EQ(m.page(child, 3).owner, child);
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
  m.run([&] { exit_process(m.k, child); });
  EXPECT_EQ(used(), 0);
}

TEST_F(Fault, DontneedGivesPagesBackAndKeepsTheTables) {
  m.touch(app, 0, 100);
  m.run([&] { zap_range(m.k, app, 0, 100); });
  EXPECT_EQ(m.process(app).rss_anon, 0);
  EXPECT_EQ(used(), 3);
  m.touch(app, 0, 1);
  EXPECT_EQ(m.count(Vmstat::pgfault), 101);
}

TEST_F(Fault, UnmapGivesTablesBack) {
  m.touch(app, 0, 1000);
  m.run([&] { unmap_range(m.k, app, 0, 1000u << kPageShift); });
  EXPECT_EQ(m.process(app).rss_anon, 0);
  EXPECT_EQ(m.process(app).table_pages(), 0);
  EXPECT_EQ(used(), 0);
  EXPECT_EQ(m.available(), 20000);
}

TEST_F(Fault, UnmappingPartOfALeafKeepsItsTable) {
  m.touch(app, 0, 100);
  m.run([&] { unmap_range(m.k, app, 0, 50u << kPageShift); });
  EXPECT_EQ(m.process(app).rss_anon, 50);
  EXPECT_EQ(m.process(app).table_pages(), 3);
}

TEST_F(Fault, MoveKeepsThePages) {
  m.touch(app, 0, 10);
  const host::PageId first = m.process(app).space.get(0).page();
  m.run([&] { move_range(m.k, app, 0, 5000, 10); });
  EXPECT_EQ(m.process(app).space.get(5000).page(), first);
  EXPECT_TRUE(m.process(app).space.get(0).is_none());
  EXPECT_EQ(m.page(app, 5000).vpn, 5000u);
  EXPECT_EQ(m.process(app).rss_anon, 10);
}

TEST_F(Fault, MoveOfASharedPageLeavesTheOtherProcessAlone) {
  m.touch(app, 0, 10);
  const auto child = fork(app);
  m.run([&] { move_range(m.k, child, 0, 5000, 10); });
  EXPECT_EQ(m.process(app).space.get(0).page(), m.process(child).space.get(5000).page());
  m.run([&] { zap_range(m.k, child, 5000, 5010); });
  EXPECT_EQ(m.page(app, 0).mapcount, 1);
}

// Threads of one process on a host so tight that each fault sleeps in the middle.
struct Race : testing::Test {
  Race()
      : m(HostBuilder().plain_node(20000_pages).cpus(2).swap(64_MiB).limit(to_bytes(600_pages)).build(),
          Kswapd::kAbsent) {
    m.process(app).cgroup = m.host.app_cgroup;
    const host::Cgroup& group = m.host.cgroups[m.host.app_cgroup];
    for (uint64_t vpn = 0; group.usage < group.max || group.parked() > 0; ++vpn) m.touch(app, vpn, 1);
  }
  Machine m;
  host::ProcessIndex app = m.start(100);
};

TEST_F(Race, AnUnmapDropsThePageTableThatAFaultHasJustMade) {
  const sim::FiberId fault = m.begin([&] { touch_page(m.k, app, 5000, true); }, 0, 100);
  ASSERT_FALSE(m.sched.done(fault));
  m.run([&] { unmap_range(m.k, app, 5001u << kPageShift, 100u << kPageShift); }, 0, 100);
  m.finish(fault);
  EXPECT_TRUE(m.in_memory(app, 5000)) << "it was not unmapped itself";
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST_F(Race, AnotherThreadEndsTheProcessInTheMiddleOfAFault) {
  const sim::FiberId fault = m.begin([&] { touch_page(m.k, app, 5000, true); }, 0, 100);
  ASSERT_FALSE(m.sched.done(fault));
  m.run([&] { exit_process(m.k, app); }, 0, 100);
  m.finish(fault);
  m.pass(1_s);
  EXPECT_EQ(m.process(app).rss_anon, 0);
  EXPECT_EQ(m.available(), 20000);
  EXPECT_EQ(m.host.cgroups[m.host.app_cgroup].usage, m.host.cgroups[m.host.app_cgroup].parked());
}

TEST_F(Race, AReadAndAWriteOfTheSameFreshPageGiveOnePage) {
  const sim::FiberId read = m.begin([&] { touch_page(m.k, app, 5000, false); }, 0, 100);
  const sim::FiberId write = m.begin([&] { touch_page(m.k, app, 5000, true); }, 0, 100);
  m.finish(read);
  m.finish(write);
  EXPECT_TRUE(m.in_memory(app, 5000));
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST(Move, FindsPagesThatWereSwappedOutWhileItWaitedForAPageTable) {
  host::HostSpec spec = HostBuilder().plain_node(20000_pages).swap(64_MiB).limit(to_bytes(1000_pages)).build();
  Machine m(spec, Kswapd::kAbsent);
  const auto app = m.start(100);
  m.process(app).cgroup = m.host.app_cgroup;
  m.touch(app, 0, 995);
  // The new place needs a page table, the group is full: the task reclaims its own pages in the middle of the move.
  m.run([&] { move_range(m.k, app, 0, uint64_t{1} << 20, 995); }, 0, 100);
  EXPECT_EQ(m.process(app).rss_anon + m.process(app).swap_entries, 995);
  EXPECT_GT(m.process(app).swap_entries, 0);
  EXPECT_TRUE(m.process(app).space.get(0).is_none());
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST_F(Fault, MadvFreeMovesPagesToTheInactiveFileList) {
  m.touch(app, 0, 30);
  m.run([&] { lazyfree_range(m.k, app, 0, 30); });
  EXPECT_EQ(m.count(Vmstat::pglazyfree), 30);
  EXPECT_EQ(m.list(LruKindIndex::kInactiveFile), 30);
  EXPECT_EQ(m.list(LruKindIndex::kInactiveAnon), 0);
  EXPECT_EQ(m.process(app).rss_anon, 30) << "still there until reclaim wants them";
}

TEST_F(Fault, MadvFreeLeavesSharedPagesAlone) {
  m.touch(app, 0, 30);
  fork(app);
  m.run([&] { lazyfree_range(m.k, app, 0, 30); });
  EXPECT_EQ(m.count(Vmstat::pglazyfree), 0);
}

TEST_F(Fault, ADyingProcessTouchesNothing) {
  m.process(app).dying = true;
  EXPECT_EQ(m.touch(app, 0, 10), 0);
  EXPECT_EQ(used(), 0);
}

TEST_F(Fault, PagesAreCreditedToTheStackThatTouchedThemFirst) {
  m.run([&] {
    m.sched.current().stack_id = 7;
    for (uint64_t i = 0; i < 20; ++i) touch_page(m.k, app, i, true);
    m.sched.current().stack_id = 8;
    for (uint64_t i = 10; i < 30; ++i) touch_page(m.k, app, i, true);
    zap_range(m.k, app, 0, 15);
  });
  EXPECT_EQ(m.host.sites[7].touched, 20);
  EXPECT_EQ(m.host.sites[7].resident, 5);
  EXPECT_EQ(m.host.sites[7].resident_peak, 20);
  EXPECT_EQ(m.host.sites[8].touched, 10);
}

TEST_F(Fault, AFaultTakesTheCalibratedTime) {
  const Nanoseconds begin = m.sched.now();
  m.run([&] {
    touch_page(m.k, app, 0, true);
    m.sched.point();
  });
  EXPECT_EQ(m.sched.now() - begin, 1000_ns);
}

}  // namespace
}  // namespace oomcast::mm
