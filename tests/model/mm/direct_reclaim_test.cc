// A task that gets no memory from the allocator reclaims by itself, round by round, or is throttled.
#include "model/mm/direct_reclaim.h"

#include <gtest/gtest.h>

#include "model/mm/lru.h"
#include "model/mm/vmscan.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::LruKindIndex;
using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

HostBuilder plain() { return HostBuilder().plain_node(20000_pages).set("vm.watermark_boost_factor", 0); }

int64_t reclaim(Machine& m) {
  int64_t got = -1;
  m.run([&] { got = try_to_free_pages(m.k, kGfpHighUserMovable, 0); });
  return got;
}

// Pages that the program never touched, made by hand, on the list that their flags ask for.
void add_pages(Machine& m, int count, uint16_t flags) {
  m.run([&] {
    for (int i = 0; i < count; ++i) {
      const ZoneRef where = alloc_page(m.k, kGfpHighUserMovable, 0);
      const host::PageId id = new_page(m.k, where, flags);
      put_on_list(m.k, id, list_for(m.host.pages[id]));
    }
  });
}

TEST(DirectReclaim, StopsAtThirtyTwoPages) {
  Machine m(plain().page_cache(8000_pages).build(), Kswapd::kAbsent);
  const int64_t got = reclaim(m);
  EXPECT_GE(got, 32);
  EXPECT_LT(got, 96);
  EXPECT_EQ(m.count(Vmstat::pgsteal_direct), got);
  EXPECT_EQ(m.count(Vmstat::allocstall_movable), 1);
  EXPECT_EQ(m.count(Vmstat::pgsteal_kswapd), 0);
}

TEST(DirectReclaim, TriesHarderUntilItFindsSomething) {
  // 40 pages of cache: nothing to scan at priority 12 (40 >> 12), all of it at 0.
  Machine m(plain().page_cache(40_pages).build(), Kswapd::kAbsent);
  EXPECT_GE(reclaim(m), 32);
}

TEST(DirectReclaim, FindsNothingWithoutSwapAndCache) {
  Machine m(plain().process(50, "big", 32_MiB).build(), Kswapd::kAbsent);
  EXPECT_EQ(reclaim(m), 0);
  EXPECT_EQ(m.count(Vmstat::pgscan_direct), 0);
  EXPECT_EQ(m.count(Vmstat::allocstall_movable), 1);
}

TEST(DirectReclaim, Linux612LooksTwiceBeforeItSaysNo) {
  Machine m(plain().kernel(6, 12).process(50, "big", 32_MiB).build(), Kswapd::kAbsent);
  EXPECT_EQ(reclaim(m), 0);
  EXPECT_EQ(m.count(Vmstat::allocstall_movable), 2);
}

TEST(DirectReclaim, TakesFromTheActiveListRatherThanGiveUp) {
  // The inactive pages cannot be had (they are being read), and there are enough of them that active ones are spared.
  Machine m(plain().page_cache(0_pages, 100_pages).build(), Kswapd::kAbsent);
  add_pages(m, 400, host::kPageFile | host::kPageLocked);
  EXPECT_GE(reclaim(m), 32);
  EXPECT_EQ(m.count(Vmstat::allocstall_movable), 2) << "the second time with force_deactivate";
  EXPECT_GT(m.count(Vmstat::pgdeactivate), 0);
}

TEST(DirectReclaim, LooksAtAllNodesOfTheZonelist) {
  Machine m(HostBuilder().plain_node(20000_pages).plain_node(20000_pages).page_cache(8000_pages).build(),
            Kswapd::kAbsent);
  EXPECT_GE(reclaim(m), 32) << "the cache lies on the other node";
  EXPECT_EQ(m.list(LruKindIndex::kInactiveFile, 1), 8000 - m.count(Vmstat::pgsteal_file));
}

TEST(DirectReclaim, ItsOwnAllocationsMayUseTheReserves) {
  Machine m(plain().page_cache(8000_pages).build(), Kswapd::kAbsent);
  bool before = true, after = true;
  m.run([&] {
    before = m.sched.current().memalloc;
    try_to_free_pages(m.k, kGfpHighUserMovable, 0);
    after = m.sched.current().memalloc;
  });
  EXPECT_FALSE(before);
  EXPECT_FALSE(after);
}

TEST(DirectReclaim, ItsTimeIsAStallAndMemoryPressure) {
  Machine m(plain().page_cache(8000_pages).build(), Kswapd::kAbsent);
  m.busy_for_a_tick();
  reclaim(m);
  EXPECT_GT(m.outcome.stall.direct_reclaim_total, 0_ns);
  EXPECT_EQ(m.outcome.stall.longest, m.outcome.stall.direct_reclaim_total);
  EXPECT_EQ(m.lost_some(), m.outcome.stall.direct_reclaim_total);
  EXPECT_EQ(m.lost_full(), m.lost_some()) << "the only task waits";
}

TEST(Throttle, HoldsWhenHalfOfTheReserveIsGone) {
  Machine m(plain().page_cache(1000_pages).build(), Kswapd::kAbsent);
  const int64_t min = m.zone().min_mark();
  const auto allowed = [&](int64_t free) {
    m.zone().free = free;
    bool ok = false;
    m.run([&] { ok = allow_direct_reclaim(m.k, 0); });
    return ok;
  };
  EXPECT_TRUE(allowed(min / 2 + 1));
  EXPECT_FALSE(allowed(min / 2));
}

TEST(Throttle, NotWhenKswapdHasGivenUp) {
  Machine m(plain().page_cache(1000_pages).build(), Kswapd::kAbsent);
  m.zone().free = 1;
  m.node().kswapd_failures = 16;
  m.run([&] { EXPECT_TRUE(allow_direct_reclaim(m.k, 0)); });
}

TEST(Throttle, TheTaskWaitsForKswapdToRefillTheReserve) {
  Machine m(plain().page_cache(8000_pages).build());
  m.zone().used += m.zone().free - 10;
  m.zone().free = 10;
  reclaim(m);
  EXPECT_EQ(m.count(Vmstat::pgscan_direct_throttle), 1);
  EXPECT_EQ(m.count(Vmstat::pageoutrun), 1) << "it woke kswapd for that";
  EXPECT_GT(m.outcome.stall.throttled_total, 0_ns);
  EXPECT_GT(m.zone().free, m.zone().min_mark() / 2);
}

TEST(Throttle, ATaskKilledMeanwhileGetsOutAtOnce) {
  Machine m(plain().page_cache(8000_pages).build(), Kswapd::kAbsent);
  m.zone().free = 10;
  int64_t got = -1;
  const sim::FiberId task = m.begin([&] { got = try_to_free_pages(m.k, kGfpHighUserMovable, 0); });
  m.pass(1_s);
  EXPECT_EQ(got, -1) << "nobody refills the reserve";
  m.sched.interrupt(task);
  m.finish(task);
  EXPECT_EQ(got, 1);
  EXPECT_EQ(m.count(Vmstat::allocstall_movable), 0);
}

}  // namespace
}  // namespace oomcast::mm
