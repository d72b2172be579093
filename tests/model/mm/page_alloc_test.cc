// Pages are allocated. Watermarks, reserves, spill to other nodes, and the rounds before an OOM kill.
#include "model/mm/page_alloc.h"

#include <gtest/gtest.h>

#include "model/mm/free_blocks.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::Vmstat;
using host::ZoneKind;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

// Takes up to `count` pages, as page faults on node 0 do. Gives how many it got.
int64_t take(Machine& m, int64_t count, const Gfp& gfp = kGfpHighUserMovable) {
  int64_t got = 0;
  m.run([&] {
    while (got < count && alloc_page(m.k, gfp, 0).ok()) ++got;
  });
  return got;
}

host::Zone zone_with(int64_t free, int64_t reserve = 0) {
  host::Zone zone;
  zone.managed = 10000;
  zone.free = free;
  zone.lowmem_reserve[ZoneKind::kMovable] = reserve;
  return zone;
}

TEST(Watermark, HoldsOnlyAboveTheMark) {
  EXPECT_FALSE(watermark_ok(zone_with(100), 100, ZoneKind::kMovable, 100));
  EXPECT_TRUE(watermark_ok(zone_with(101), 100, ZoneKind::kMovable, 101));
}

TEST(Watermark, TheReserveForHigherZonesComesOnTop) {
  const host::Zone zone = zone_with(0, 50);
  EXPECT_FALSE(watermark_ok(zone, 100, ZoneKind::kMovable, 150));
  EXPECT_TRUE(watermark_ok(zone, 100, ZoneKind::kMovable, 151));
  EXPECT_TRUE(watermark_ok(zone, 100, ZoneKind::kDma32, 101)) << "a request for the zone itself need not respect it";
}

TEST(Watermark, TheHighatomicReserveIsNotFreeForOthers) {
  host::Zone zone = zone_with(700);
  zone.highatomic = 512;
  EXPECT_FALSE(watermark_ok(zone, 188, ZoneKind::kMovable, 700));
  EXPECT_TRUE(watermark_ok(zone, 187, ZoneKind::kMovable, 700));
}

// ALLOC_CMA in __zone_watermark_ok().
TEST(Watermark, CmaPagesAreFreeForMovableRequestsOnly) {
  host::Zone zone = zone_with(700);
  zone.free_cma = 500;
  EXPECT_TRUE(watermark_ok(zone, 300, ZoneKind::kMovable, 700, 0, true));
  EXPECT_FALSE(watermark_ok(zone, 300, ZoneKind::kMovable, 700)) << "kswapd and kernel memory";
  EXPECT_TRUE(watermark_ok(zone, 199, ZoneKind::kMovable, 700));
}

// __rmqueue(): CMA first while more than half of what is free lies there, and when nothing else is left.
TEST(Cma, IsUsedByHalvesAndComesBack) {
  host::Zone zone = zone_with(1000);
  zone.free_cma = 800;
  zone.free -= 600;
  take_cma(zone, 600);
  EXPECT_EQ(zone.free_cma, 200) << "half of the 400 that are left";
  zone.free -= 400;
  take_cma(zone, 400);
  EXPECT_EQ(zone.free_cma, 0);
  EXPECT_EQ(zone.cma_used, 800);
  zone.free += 5000;
  give_back_cma(zone, 5000);
  EXPECT_EQ(zone.free_cma, 400) << "half of all that was handed out came back";
  zone.free += 5000;
  give_back_cma(zone, 5000);
  EXPECT_EQ(zone.free_cma, 800);
}

TEST(Watermark, BoostCountsInAllThreeMarks) {
  host::Zone zone = zone_with(0);
  zone.min = 10;
  zone.low = 20;
  zone.high = 30;
  zone.boost = 5;
  EXPECT_EQ(mark_pages(zone, Mark::kMin), 15);
  EXPECT_EQ(mark_pages(zone, Mark::kLow), 25);
  EXPECT_EQ(mark_pages(zone, Mark::kHigh), 35);
}

TEST(PageAlloc, FreePagesFallByARefillAtATime) {
  Machine m(HostBuilder().plain_node(20000_pages).build());
  const int64_t batch = m.zone().pcp[0].batch, before = m.zone().free;
  EXPECT_EQ(batch, 3);
  take(m, 1);
  EXPECT_EQ(m.zone().free, before - batch);
  take(m, batch - 1);
  EXPECT_EQ(m.zone().free, before - batch) << "the CPU's list serves these";
  take(m, 1);
  EXPECT_EQ(m.zone().free, before - 2 * batch);
}

TEST(PageAlloc, EveryPageIsFreeOrParkedOrUsed) {
  Machine m(HostBuilder().plain_node(20000_pages).build());
  take(m, 1234);
  EXPECT_EQ(m.zone().used, 1234);
  EXPECT_EQ(m.zone().free + m.zone().parked() + m.zone().used, 20000);
  EXPECT_EQ(m.count(Vmstat::pgalloc_dma32), 1234);
}

TEST(PageAlloc, AFullLocalNodeSpillsToTheRemoteOneWithoutWakingKswapd) {
  Machine m(HostBuilder().plain_node(20000_pages).plain_node(20000_pages).build());
  take(m, 25000);
  EXPECT_GT(m.count(Vmstat::numa_miss), 5000);
  EXPECT_EQ(m.count(Vmstat::numa_miss), m.count(Vmstat::numa_foreign));
  EXPECT_EQ(m.count(Vmstat::numa_miss) + m.count(Vmstat::numa_hit), 25000);
  EXPECT_EQ(m.count(Vmstat::numa_other), m.count(Vmstat::numa_miss));
  m.pass(1_s);
  EXPECT_LE(m.zone(0).free, m.zone(0).low_mark());
  EXPECT_EQ(m.count(Vmstat::pageoutrun), 0);
}

TEST(PageAlloc, KswapdsOfAllNodesWakeWhenTheLastOneReachesItsLowMark) {
  Machine m(HostBuilder()
                .plain_node(20000_pages)
                .page_cache(3000_pages)
                .plain_node(20000_pages)
                .page_cache(3000_pages)
                .set("vm.watermark_boost_factor", 0)
                .build());
  const int64_t until_low = m.zone(0).free - m.zone(0).low_mark() + m.zone(1).free - m.zone(1).low_mark();
  take(m, until_low - 100);
  m.pass(1_s);
  EXPECT_EQ(m.count(Vmstat::pageoutrun), 0);
  take(m, 200);
  m.pass(10_ms);
  EXPECT_EQ(m.count(Vmstat::pageoutrun), 2);
}

TEST(PageAlloc, BelowLowThePagesComeFromTheLocalNodeDownToMin) {
  Machine m(HostBuilder().plain_node(20000_pages).plain_node(20000_pages).build(), Kswapd::kAbsent);
  take(m, m.zone(0).free - m.zone(0).low_mark() + m.zone(1).free - m.zone(1).low_mark());
  const int64_t remote = m.zone(1).free;
  take(m, m.zone(0).low_mark() - m.zone(0).min_mark() - 10);
  EXPECT_EQ(m.zone(1).free, remote);
  EXPECT_LT(m.zone(0).free, m.zone(0).min_mark() + 20);
}

TEST(PageAlloc, TheDmaZoneIsUsedLastAndOnlyDownToItsReserve) {
  Machine m(HostBuilder().node(128_MiB).build());
  host::Zone& dma = m.zone(0, ZoneKind::kDma);
  const int64_t dma_free = dma.free;
  take(m, m.zone().free - m.zone().low_mark() - 10);
  EXPECT_EQ(dma.free, dma_free) << "not while DMA32 has pages above its low mark";
  const auto app = m.start(100);
  m.touch(app, 0, 40000);
  EXPECT_LT(dma.free, dma_free);
  const int64_t protection = dma.lowmem_reserve[ZoneKind::kMovable];
  ASSERT_GT(protection, 80);
  EXPECT_GE(dma.free, dma.min_mark() + protection - dma.pcp[0].batch);
  EXPECT_EQ(m.count(Vmstat::oom_kill), 1);
}

TEST(PageAlloc, AKernelRequestNeverTakesMovableMemory) {
  host::HostSpec spec = HostBuilder().plain_node(20000_pages).build();
  spec.nodes[0].zones[0].kind = ZoneKind::kMovable;
  Machine m(spec, Kswapd::kAbsent);
  m.run([&] {
    Gfp atomic = kGfpKernel;
    atomic.direct_reclaim = atomic.kswapd_reclaim = false;
    EXPECT_FALSE(alloc_page(m.k, atomic, 0).ok());
    EXPECT_TRUE(alloc_page(m.k, kGfpHighUserMovable, 0).ok());
  });
}

TEST(PageAlloc, WhoMayNotReclaimFailsAtMin) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  Gfp nowait = kGfpHighUserMovable;
  nowait.direct_reclaim = false;
  take(m, 30000, nowait);
  EXPECT_LE(m.zone().free, m.zone().min_mark());
  EXPECT_GT(m.zone().free, m.zone().min_mark() - m.zone().pcp[0].batch - 1);
  EXPECT_EQ(m.count(Vmstat::allocstall_movable), 0);
}

TEST(PageAlloc, KswapdItselfMayUseTheLastPage) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  m.run([&] {
    m.sched.current().memalloc = true;
    int64_t got = 0;
    while (alloc_page(m.k, kGfpHighUserMovable, 0).ok()) ++got;
    EXPECT_EQ(got, 20000);
  });
  EXPECT_EQ(m.zone().free, 0);
}

TEST(PageAlloc, AnOomVictimMayUseHalfOfTheReserve) {
  Machine m(HostBuilder().plain_node(20000_pages).set("vm.watermark_boost_factor", 0).build(), Kswapd::kAbsent);
  m.run([&] {
    Gfp nowait = kGfpHighUserMovable;
    nowait.direct_reclaim = false;
    m.sched.current().oom_victim = true;
    while (alloc_page(m.k, nowait, 0).ok()) {
    }
  });
  EXPECT_LE(m.zone().free, m.zone().min_mark() - m.zone().min_mark() / 2);
  EXPECT_GT(m.zone().free, m.zone().min_mark() / 2 - m.zone().pcp[0].batch - 1);
}

TEST(PageAlloc, SeventeenFutileRoundsBeforeAnOomKillOn61) {
  Machine m(HostBuilder().node(64_MiB).set("vm.watermark_boost_factor", 0).build());
  m.touch(m.start(100), 0, 40000);
  EXPECT_EQ(m.count(Vmstat::oom_kill), 1);
  EXPECT_EQ(m.count(Vmstat::allocstall_movable), 17);
}

TEST(PageAlloc, TheHighatomicReserveIsGivenUpBeforeAnOomKill) {
  Machine m(HostBuilder().node(64_MiB).set("vm.watermark_boost_factor", 0).build());
  m.zone().highatomic = 1024;
  m.touch(m.start(100), 0, 40000);
  EXPECT_EQ(m.count(Vmstat::oom_kill), 1);
  EXPECT_EQ(m.zone().highatomic, 0) << "a block at a time, each followed by one more futile round at least";
  EXPECT_GE(m.count(Vmstat::allocstall_movable), 19);
}

TEST(PageAlloc, ThirtyFourOn612WhichWalksTheCgroupsTwice) {
  Machine m(HostBuilder().kernel(6, 12).node(64_MiB).set("vm.watermark_boost_factor", 0).build());
  m.touch(m.start(100), 0, 40000);
  EXPECT_EQ(m.count(Vmstat::oom_kill), 1);
  EXPECT_EQ(m.count(Vmstat::allocstall_movable), 34);
}

TEST(PageAlloc, AHostThatCouldNeverSatisfyTheRequestGivesUpAfterOneRound) {
  // Nothing is reclaimable and even twice the free pages do not reach min: no use in trying 17 times.
  Machine m(HostBuilder().plain_node(20000_pages).set("vm.watermark_boost_factor", 0).build());
  m.run([&] {
    m.sched.current().memalloc = true;
    while (m.zone().free > m.zone().min_mark() / 4) alloc_page(m.k, kGfpHighUserMovable, 0);
  });
  m.touch(m.start(100), 0, 1);
  EXPECT_EQ(m.count(Vmstat::allocstall_normal), 1);
  EXPECT_EQ(m.count(Vmstat::oom_kill), 1);
}

TEST(PageAlloc, StallsAreLabelledByWhatTheRequestMayUseNotByWhatItGets) {
  Machine m(HostBuilder().node(64_MiB).set("vm.watermark_boost_factor", 0).build());
  m.start(100);
  m.run(
      [&] {
        while (alloc_page(m.k, kGfpKernel, 0).ok()) {
        }
      },
      0, 100);
  EXPECT_EQ(m.count(Vmstat::allocstall_normal), 17) << "page tables and slab ask for Normal";
  EXPECT_EQ(m.count(Vmstat::allocstall_dma32) + m.count(Vmstat::allocstall_movable), 0);
}

TEST(PageAlloc, ReclaimThatFreedPagesForOthersDrainsTheirLists) {
  Machine m(HostBuilder().plain_node(20000_pages).cpus(2).build(), Kswapd::kAbsent);
  m.zone().pcp[1].count = 30;
  m.zone().free -= 30;
  drain_all_pages(m.host);
  EXPECT_EQ(m.zone().parked(), 0);
  EXPECT_EQ(m.zone().free, 20000);
}

TEST(PageAlloc, WithoutSwapAnonymousPagesDoNotCountAsReclaimable) {
  Machine m(HostBuilder().plain_node(20000_pages).page_cache(0_pages).process(50, "idle", 8_MiB).build(),
            Kswapd::kAbsent);
  EXPECT_EQ(zone_reclaimable_pages(m.k, m.node(), ZoneKind::kDma32), m.zone().free)
      << "nothing reclaimable: the free pages stand in";
  Machine with_cache(
      HostBuilder().plain_node(20000_pages).page_cache(70_pages, 30_pages).process(50, "idle", 8_MiB).build(),
      Kswapd::kAbsent);
  EXPECT_EQ(zone_reclaimable_pages(with_cache.k, with_cache.node(), ZoneKind::kDma32), 100);
  Machine with_swap(HostBuilder()
                        .plain_node(20000_pages)
                        .page_cache(70_pages, 30_pages)
                        .process(50, "idle", 8_MiB)
                        .swap(1_MiB)
                        .build(),
                    Kswapd::kAbsent);
  EXPECT_EQ(zone_reclaimable_pages(with_swap.k, with_swap.node(), ZoneKind::kDma32), 100 + 2048);
}

TEST(Boost, ANormalZoneStealsOnlyWhenTheZonesBelowItAreAtTheirMarksToo) {
  const auto first_boost = [](bool with_dma32) {
    host::HostSpec spec = HostBuilder().node(5_GiB).build();
    if (!with_dma32)
      std::erase_if(spec.nodes[0].zones,
                    [](const host::ZoneSpec& zone) { return zone.kind != host::ZoneKind::kNormal; });
    Machine m(spec, Kswapd::kAbsent);
    host::Zone& normal = m.zone(0, host::ZoneKind::kNormal);
    normal.other_free = normal.other_capacity = {normal.low + 5000, 0};
    int64_t taken = 0;
    m.run([&] {
      while (normal.boost == 0 && alloc_page(m.k, kGfpHighUserMovable, 0).ok()) ++taken;
    });
    return taken - (normal.managed - normal.other_capacity.sum());
  };
  EXPECT_LT(first_boost(false), 100) << "as soon as its movable blocks are used up";
  EXPECT_GT(first_boost(true), 600'000) << "after 3 GiB of DMA32";
}

// A zone whose movable blocks run dry before its marks are reached (104).
TEST(Boost, TheFirstFallbackRaisesAllMarksAndWakesTheZonesKswapd) {
  Machine m(HostBuilder().plain_node(20000_pages).set("vm.min_free_kbytes", 256).page_cache(4000_pages).build());
  ASSERT_EQ(m.zone().high, 104);
  m.zone().other_free = m.zone().other_capacity = {156, 0};
  take(m, m.zone().free - 200);
  EXPECT_EQ(m.zone().boost, 0);
  take(m, 50);
  EXPECT_EQ(m.zone().boost, 512) << "a pageblock, as one and a half high marks are less";
  EXPECT_EQ(m.zone().high_mark(), 104 + 512);
  m.pass(1_s);
  EXPECT_GT(m.count(Vmstat::pageoutrun), 0);
  EXPECT_EQ(m.zone().boost, 0) << "kswapd takes the boost back";
}

}  // namespace
}  // namespace oomcast::mm
