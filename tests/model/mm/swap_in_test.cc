// Pages come back from swap. Readahead windows, the swap cache, and when a slot is kept.
#include <gtest/gtest.h>

#include <tuple>

#include "model/mm/shrink_lists.h"
#include "model/mm/swap.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

class Window : public testing::TestWithParam<std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t, int64_t>> {};

TEST_P(Window, FollowsHitsAndThePreviousWindow) {
  const auto [prev, offset, hits, most, prev_window, pages] = GetParam();
  EXPECT_EQ(swapin_nr_pages(prev, offset, hits, most, prev_window), pages);
}

INSTANTIATE_TEST_SUITE_P(Spec, Window,
                         testing::Values(std::tuple{100, 500, 0, 8, 1, 1}, std::tuple{100, 101, 0, 8, 1, 2},
                                         std::tuple{100, 500, 0, 8, 8, 4}, std::tuple{100, 500, 1, 8, 2, 4},
                                         std::tuple{100, 500, 3, 8, 4, 8}, std::tuple{100, 500, 7, 8, 8, 8},
                                         std::tuple{100, 99, 0, 8, 1, 2}));

void squeeze(Machine& m, int64_t pages, int passes = 3) {
  for (int pass = 0; pass < passes; ++pass) {
    m.run([&] {
      SwapPlug plug(m.k);
      ScanControl sc;
      for (int64_t i = 0; i < pages; i += 32) shrink_inactive_list(m.k, 0, host::kRootCgroup, 32, false, sc);
      plug.flush();
    });
    m.pass(1_s);
  }
}

struct SwapIn : testing::Test {
  SwapIn() : SwapIn(HostBuilder().plain_node(20000_pages).swap(64_MiB)) {}
  explicit SwapIn(const HostBuilder& builder) : m(builder.build(), Kswapd::kAbsent), app(m.start(100)) {
    m.touch(app, 0, 64);
    squeeze(m, 64);
    EXPECT_EQ(m.process(app).swap_entries, 64);
  }
  Machine m;
  host::ProcessIndex app;
};
struct SwapInNoReadahead : SwapIn {
  SwapInNoReadahead() : SwapIn(HostBuilder().plain_node(20000_pages).swap(64_MiB).set("vm.page_cluster", 0)) {}
};
struct SwapInFull : SwapIn {
  SwapInFull() : SwapIn(HostBuilder().plain_node(20000_pages).swap(to_bytes(100_pages)).set("vm.page_cluster", 0)) {}
};

TEST(SwapInOfAFullGroup, AReclaimInsideTheSwapInIsWaitedForOnce) {
  Machine m(HostBuilder().plain_node(20000_pages).swap(64_MiB).limit(16_MiB).build(), Kswapd::kAbsent);
  const host::ProcessIndex app = m.start(100);
  m.process(app).cgroup = m.host.app_cgroup;
  m.touch(app, 0, 6000);
  const sim::Stall before = m.outcome.stall;
  m.read(app, 0, 1000);
  const sim::Stall& after = m.outcome.stall;
  ASSERT_GT(after.swap_in_total, before.swap_in_total);
  ASSERT_GT(after.direct_reclaim_total, before.direct_reclaim_total) << "each page that comes in pushes another out";
  EXPECT_EQ(after.total - before.total, after.swap_in_total - before.swap_in_total);
}

TEST_F(SwapIn, ReadsTheAlignedBlockAroundTheFault) {
  m.read(app, 13, 1);
  EXPECT_EQ(m.count(Vmstat::pgmajfault), 1);
  EXPECT_EQ(m.count(Vmstat::pswpin), 8);
  EXPECT_EQ(m.count(Vmstat::swap_ra), 7);
  EXPECT_EQ(m.count(Vmstat::pgpgin), 32);
  for (host::SlotId slot = 0; slot < 64; ++slot) EXPECT_EQ(m.host.slot(slot).cached, slot >= 8 && slot < 16) << slot;
  EXPECT_EQ(m.process(app).rss_anon, 1) << "the others wait in the swap cache";
}

TEST_F(SwapIn, ANeighbourThatWasReadAheadIsAMinorFaultAndAHit) {
  m.read(app, 13, 1);
  const int64_t faults = m.count(Vmstat::pgfault);
  m.read(app, 14, 1);
  EXPECT_EQ(m.count(Vmstat::pgmajfault), 1);
  EXPECT_EQ(m.count(Vmstat::pgfault), faults + 1);
  EXPECT_EQ(m.count(Vmstat::swap_ra_hit), 1);
  EXPECT_EQ(m.count(Vmstat::pswpin), 8);
}

TEST_F(SwapIn, ReadingSequentiallyKeepsTheWindowOpen) {
  m.read(app, 0, 64);
  EXPECT_EQ(m.count(Vmstat::pgmajfault), 8);
  EXPECT_EQ(m.count(Vmstat::swap_ra_hit), 56);
}

TEST_F(SwapIn, RandomFaultsCloseTheWindow) {
  for (uint64_t page : {7, 50, 20, 40, 60, 30}) m.read(app, page, 1);
  EXPECT_EQ(m.k.swap_readahead.last_pages, 1);
}

TEST_F(SwapIn, FreeSlotsAreNotReadAhead) {
  m.run([&] { zap_range(m.k, app, 8, 12); });
  m.read(app, 13, 1);
  EXPECT_EQ(m.count(Vmstat::pswpin), 4);
}

TEST_F(SwapIn, TheTaskWaitsForTheDisk) {
  const Nanoseconds begin = m.sched.now();
  m.read(app, 0, 1);
  EXPECT_GE(m.sched.now() - begin, 100_us);
  EXPECT_GE(m.outcome.stall.swap_in_total, 100_us);
}

TEST_F(SwapInNoReadahead, PageClusterZeroReadsOnePage) {
  m.read(app, 13, 1);
  EXPECT_EQ(m.count(Vmstat::pswpin), 1);
  EXPECT_EQ(m.count(Vmstat::swap_ra), 0);
}

TEST_F(SwapInNoReadahead, WaitingForAPageThatWasInUseIsTimeLostToMemoryAndForAnotherItIsNot) {
  m.busy_for_a_tick();
  m.read(app, 0, 1);
  EXPECT_EQ(m.lost_some(), 0_ns);
  const host::SlotId slot = m.process(app).space.get(1).slot();
  m.host.slot(slot).shadow.workingset = true;
  m.host.slot(slot).shadow.age = m.node().lruvec(host::kRootCgroup).nonresident_age;  // evicted just now
  m.busy_for_a_tick();
  m.read(app, 1, 1);
  EXPECT_GT(m.lost_some(), 0_ns);
}

TEST_F(SwapInNoReadahead, APageThatWasOnlyReadKeepsItsSlotAndGoesForFree) {
  m.read(app, 0, 32);
  EXPECT_EQ(m.host.guest_swapped, 32);
  EXPECT_EQ(m.host.slot(0).map_count, 0);
  EXPECT_TRUE(m.host.device(0).in_use(0));
  const int64_t written = m.count(Vmstat::pswpout);
  squeeze(m, 32);
  EXPECT_EQ(m.process(app).swap_entries, 64);
  EXPECT_EQ(m.count(Vmstat::pswpout), written) << "the copy on disk is still good";
}

TEST_F(SwapInNoReadahead, APageThatWasWrittenGivesItsSlotBack) {
  m.touch(app, 0, 32);
  EXPECT_FALSE(m.page(app, 0).has(host::kPageSwapCache));
  EXPECT_FALSE(m.host.slot(0).cached);
  const int64_t written = m.count(Vmstat::pswpout);
  squeeze(m, 32);
  EXPECT_EQ(m.count(Vmstat::pswpout), written + 32);
}

TEST_F(SwapInNoReadahead, APageWrittenAfterItWasReadIsWrittenOutAgain) {
  m.read(app, 0, 32);
  m.touch(app, 0, 32);
  const int64_t written = m.count(Vmstat::pswpout);
  squeeze(m, 32, 5);
  EXPECT_EQ(m.count(Vmstat::pswpout), written + 32);
}

TEST_F(SwapInFull, WhenSwapIsHalfFullEvenAReadGivesTheSlotBack) {
  ASSERT_TRUE(vm_swap_full(m.k, host::kRootCgroup));
  m.read(app, 0, 10);
  EXPECT_FALSE(m.host.device(0).in_use(0));
  EXPECT_EQ(m.host.free_swap(), 100 - 64 + 10);
}

TEST_F(SwapInNoReadahead, APageSharedAfterForkIsReadOnce) {
  const auto child = m.start(101);
  m.run([&] { copy_address_space(m.k, app, child); });
  m.read(app, 5, 1);
  m.read(child, 5, 1);
  EXPECT_EQ(m.count(Vmstat::pswpin), 1);
  EXPECT_EQ(m.process(app).space.get(5).page(), m.process(child).space.get(5).page());
  EXPECT_EQ(m.page(app, 5).mapcount, 2);
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST_F(SwapInNoReadahead, AWriteToAPageSharedAfterForkCopiesIt) {
  const auto child = m.start(101);
  m.run([&] { copy_address_space(m.k, app, child); });
  m.read(app, 5, 1);
  m.touch(child, 5, 1);
  EXPECT_NE(m.process(app).space.get(5).page(), m.process(child).space.get(5).page());
  EXPECT_EQ(m.process(child).rss_anon, 1);
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST_F(SwapInNoReadahead, TwoThreadsThatWantTheSamePageReadItOnce) {
  const auto touch = [&] { touch_page(m.k, app, 9, false); };
  const sim::FiberId one = m.begin(touch), two = m.begin(touch);
  m.finish(one);
  m.finish(two);
  EXPECT_EQ(m.count(Vmstat::pswpin), 1);
  EXPECT_EQ(m.process(app).rss_anon, 1);
}

TEST_F(SwapInNoReadahead, ThePageThatAKilledTaskWaitedForStaysInTheCacheUntilReclaimMeetsIt) {
  const sim::FiberId task = m.begin([&] { touch_page(m.k, app, 9, false); }, 0, 100);
  m.sched.interrupt(task);
  m.process(app).dying = true;
  m.finish(task);
  m.run([&] { exit_process(m.k, app); });
  m.pass(1_s);
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
  EXPECT_EQ(m.available(), 20000 - 1);
  squeeze(m, 32);
  EXPECT_EQ(m.available(), 20000);
  EXPECT_EQ(m.host.free_swap() + m.host.cached_slots, m.host.total_swap);
}

// Swap on a device that does not turn: pages 0 to 63 lie in slots in another order than in the address space.
struct SwapInFromSsd : testing::Test {
  SwapInFromSsd() : m(spec(), Kswapd::kAbsent), app(m.start(100)) {
    for (uint64_t vpn = 0; vpn < 64; ++vpn) m.touch(app, vpn * 29 % 64, 1);
    squeeze(m, 64);
    EXPECT_EQ(m.process(app).swap_entries, 64);
  }
  static host::HostSpec spec() {
    host::HostSpec spec = HostBuilder().plain_node(20000_pages).swap(64_MiB).build();
    spec.swaps[0].rotational = false;
    return spec;
  }
  bool cached(uint64_t vpn) { return m.swapped(app, vpn) && m.host.slot(m.process(app).space.get(vpn).slot()).cached; }
  std::vector<uint64_t> all_cached() {
    std::vector<uint64_t> out;
    for (uint64_t vpn = 0; vpn < 64; ++vpn) {
      if (cached(vpn)) out.push_back(vpn);
    }
    return out;
  }
  Machine m;
  host::ProcessIndex app;
};

TEST_F(SwapInFromSsd, ReadsWhatLiesAroundTheAddressWhateverItsSlot) {
  m.read(app, 20, 1);
  EXPECT_EQ(m.count(Vmstat::pswpin), 8);
  EXPECT_EQ(all_cached(), (std::vector<uint64_t>{17, 18, 19, 21, 22, 23, 24}));
}

TEST_F(SwapInFromSsd, ReadsAheadWhenTheFaultFollowsTheLastOne) {
  m.read(app, 20, 1);
  m.run([&] { zap_range(m.k, app, 21, 22); });
  m.read(app, 22, 1);  // a hit: the next fault is judged against this address
  m.read(app, 23, 2);
  m.read(app, 25, 1);
  EXPECT_EQ(all_cached(), (std::vector<uint64_t>{17, 18, 19, 26, 27, 28, 29, 30, 31, 32}));
}

TEST_F(SwapInFromSsd, StaysInsideTheMapping) {
  m.process(app).space.map(20 * 4096, 4 * 4096, {.accountable = true, .anonymous = true});
  m.read(app, 21, 1);
  EXPECT_EQ(all_cached(), (std::vector<uint64_t>{20, 22, 23}));
}

TEST_F(SwapInFromSsd, OneDeviceThatTurnsIsEnoughToReadBySlot) {
  host::HostSpec both = HostBuilder().plain_node(20000_pages).swap(64_MiB, {}, 5).swap(64_MiB, {}, 1).build();
  both.swaps[0].rotational = false;
  Machine other(both, Kswapd::kAbsent);
  const auto process = other.start(100);
  other.touch(process, 0, 64);
  squeeze(other, 64);
  other.read(process, 13, 1);
  for (host::SlotId slot = 0; slot < 64; ++slot)
    EXPECT_EQ(other.host.slot(slot).cached, slot >= 8 && slot < 16) << slot;
}

}  // namespace
}  // namespace oomcast::mm
