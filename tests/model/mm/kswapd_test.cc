// Background reclaim runs, stops and gives up.
#include "model/mm/kswapd.h"

#include <gtest/gtest.h>

#include "model/mm/shrink_lists.h"
#include "model/mm/vmscan.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::Vmstat;
using host::ZoneKind;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

constexpr auto kAllZones = ZoneKind::kDevice;

// A node of 20000 pages of which 8000 are clean page cache.
HostBuilder cached() {
  return HostBuilder().plain_node(20000_pages).page_cache(8000_pages).set("vm.watermark_boost_factor", 0);
}

// Leaves `free` pages; what is taken belongs to nobody.
void leave_free(Machine& m, int64_t free) {
  m.zone().used += m.zone().free - free;
  m.zone().free = free;
}

void wake(Machine& m, ZoneKind zone = ZoneKind::kMovable) {
  m.run([&] { wakeup_kswapd(m.k, 0, zone); });
}

TEST(Kswapd, IsNotWokenWhileAZoneIsAboveHigh) {
  Machine m(cached().build());
  leave_free(m, m.zone().high_mark() + 1);
  wake(m);
  m.pass(1_s);
  EXPECT_EQ(m.count(Vmstat::pageoutrun), 0);
}

TEST(Kswapd, SleepsOnceAZoneIsAboveHigh) {
  Machine m(cached().build());
  leave_free(m, m.zone().min_mark());
  wake(m);
  m.pass(1_s);
  EXPECT_EQ(m.count(Vmstat::pageoutrun), 1);
  EXPECT_GT(m.zone().free, m.zone().high_mark());
  EXPECT_LT(m.zone().free, 2 * m.zone().high_mark()) << "it stops soon after the high mark";
  const int64_t scanned = m.count(Vmstat::pgscan_kswapd);
  m.pass(10_s);
  EXPECT_EQ(m.count(Vmstat::pgscan_kswapd), scanned);
}

TEST(Kswapd, OneZoneAboveHighBalancesTheNode) {
  Machine m(HostBuilder().node(512_MiB).build(), Kswapd::kAbsent);
  leave_free(m, 0);
  EXPECT_TRUE(pgdat_balanced(m.node(), kAllZones))
      << "the untouched DMA zone of a small node is above high and reserve";
  m.zone(0, ZoneKind::kDma).free = m.zone(0, ZoneKind::kDma).lowmem_reserve[ZoneKind::kMovable];
  EXPECT_FALSE(pgdat_balanced(m.node(), kAllZones));
}

TEST(Kswapd, OnABigNodeTheDmaZoneNeverBalancesIt) {
  Machine m(HostBuilder().node(8_GiB).build(), Kswapd::kAbsent);
  ASSERT_GT(m.zone(0, ZoneKind::kDma).lowmem_reserve[ZoneKind::kMovable], m.zone(0, ZoneKind::kDma).managed);
  leave_free(m, 0);
  m.zone(0, ZoneKind::kNormal).free = 0;
  EXPECT_FALSE(pgdat_balanced(m.node(), kAllZones));
}

TEST(Kswapd, ZonesAboveTheRequestDoNotBalanceTheNode) {
  Machine m(HostBuilder().node(8_GiB).build(), Kswapd::kAbsent);
  m.zone(0, ZoneKind::kDma).free = m.zone().free = 0;
  EXPECT_TRUE(pgdat_balanced(m.node(), kAllZones));
  EXPECT_FALSE(pgdat_balanced(m.node(), ZoneKind::kDma32));
}

TEST(Kswapd, ANodeWithoutSuchZonesIsBalanced) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  EXPECT_TRUE(pgdat_balanced(m.node(), ZoneKind::kDma));
}

TEST(Kswapd, GivesUpAfterSixteenRunsWithoutProgress) {
  Machine m(HostBuilder().plain_node(20000_pages).set("vm.watermark_boost_factor", 0).build());
  leave_free(m, m.zone().min_mark());
  wake(m);
  m.pass(5_s);
  EXPECT_EQ(m.count(Vmstat::pageoutrun), 16);
  EXPECT_EQ(m.count(Vmstat::kswapd_high_wmark_hit_quickly), 15);
  EXPECT_EQ(m.node().kswapd_failures, 16);
}

TEST(Kswapd, AHopelessNodeIsNotWokenAgain) {
  Machine m(HostBuilder().plain_node(20000_pages).set("vm.watermark_boost_factor", 0).build());
  leave_free(m, m.zone().min_mark());
  wake(m);
  m.pass(5_s);
  wake(m);
  m.pass(5_s);
  EXPECT_EQ(m.count(Vmstat::pageoutrun), 16);
}

TEST(Kswapd, ReclaimByAnybodyGivesAHopelessNodeHope) {
  Machine m(cached().build());
  m.node().kswapd_failures = 16;
  leave_free(m, m.zone().min_mark());
  wake(m);
  m.pass(1_s);
  EXPECT_EQ(m.count(Vmstat::pageoutrun), 0);
  m.run([&] {
    ScanControl sc;
    sc.priority = 6;
    shrink_node(m.k, 0, sc);
  });
  EXPECT_EQ(m.node().kswapd_failures, 0);
  wake(m);
  m.pass(1_s);
  EXPECT_EQ(m.count(Vmstat::pageoutrun), 1);
}

TEST(Kswapd, WokenInItsNapCountsLowWatermarkHitQuickly) {
  Machine m(cached().build());
  leave_free(m, m.zone().min_mark());
  wake(m);
  while (m.zone().free <= m.zone().high_mark()) m.pass(1_ms);
  m.pass(20_ms);  // balanced: it naps for 100 ms before it sleeps
  leave_free(m, m.zone().min_mark());
  wake(m);
  m.pass(1_s);
  EXPECT_EQ(m.count(Vmstat::kswapd_low_wmark_hit_quickly), 1);
  EXPECT_EQ(m.count(Vmstat::kswapd_high_wmark_hit_quickly), 0);
  EXPECT_EQ(m.count(Vmstat::pageoutrun), 2);
}

TEST(Kswapd, FreePagesThatVanishDuringItsNapCountHighWatermarkHitQuickly) {
  Machine m(cached().build());
  leave_free(m, m.zone().min_mark());
  wake(m);
  while (m.zone().free <= m.zone().high_mark()) m.pass(1_ms);
  m.pass(20_ms);
  leave_free(m, m.zone().min_mark());
  m.pass(1_s);  // nobody wakes it
  EXPECT_EQ(m.count(Vmstat::kswapd_high_wmark_hit_quickly), 1);
  EXPECT_EQ(m.count(Vmstat::kswapd_low_wmark_hit_quickly), 0);
}

TEST(Kswapd, RemembersTheHighestZoneAskedForEvenWhenItIsNotWoken) {
  Machine m(cached().build());
  wake(m, ZoneKind::kDma);
  EXPECT_EQ(m.k.kswapd[0].highest_zone, ZoneKind::kDma);
  wake(m, ZoneKind::kMovable);
  wake(m, ZoneKind::kDma32);
  EXPECT_EQ(m.k.kswapd[0].highest_zone, ZoneKind::kMovable);
}

TEST(Kswapd, ABoostedZoneWakesItAlthoughTheNodeIsBalanced) {
  Machine m(HostBuilder().node(512_MiB).page_cache(8000_pages).build());
  m.zone().boost = 512;
  ASSERT_TRUE(pgdat_balanced(m.node(), kAllZones));
  wake(m, ZoneKind::kDma32);
  m.pass(1_s);
  EXPECT_EQ(m.count(Vmstat::pageoutrun), 1);
  EXPECT_EQ(m.zone().boost, 0);
}

TEST(Kswapd, BoostReclaimTakesWhatIsCleanButDoesNotSwap) {
  Machine m(HostBuilder().node(512_MiB).page_cache(8000_pages).process(50, "idle", 200_MiB).swap(256_MiB).build());
  m.zone().boost = 512;
  wake(m, ZoneKind::kDma32);
  m.pass(1_s);
  EXPECT_GT(m.count(Vmstat::pgsteal_file), 0);
  EXPECT_EQ(m.count(Vmstat::pswpout), 0);
  EXPECT_EQ(m.count(Vmstat::pgscan_anon), 0);
}

TEST(Kswapd, RealNeedComesBeforeBoosting) {
  Machine m(HostBuilder().plain_node(60000_pages).process(50, "idle", 200_MiB).swap(256_MiB).build());
  leave_free(m, m.zone().min_mark());
  m.zone().boost = 512;
  wake(m, ZoneKind::kDma32);
  m.pass(10_s);
  EXPECT_GT(m.count(Vmstat::pswpout), 0) << "unbalanced: writing is allowed again";
  EXPECT_EQ(m.zone().boost, 0);
}

TEST(Kswapd, WakeAllAsksEveryNodeOfTheZonelist) {
  Machine m(HostBuilder()
                .plain_node(20000_pages)
                .page_cache(4000_pages)
                .plain_node(20000_pages)
                .page_cache(4000_pages)
                .build());
  for (const host::NodeIndex n : m.host.nodes.indices()) {
    m.zone(n).used += m.zone(n).free - m.zone(n).min_mark();
    m.zone(n).free = m.zone(n).min_mark();
  }
  m.run([&] { wake_all_kswapds(m.k, kGfpHighUserMovable, 0); });
  m.pass(1_s);
  EXPECT_EQ(m.count(Vmstat::pageoutrun), 2);
  EXPECT_GT(m.zone(1).free, m.zone(1).high_mark());
}

TEST(Kswapd, PerCpuListsStayShortWhileItWorks) {
  Machine m(cached().build());
  leave_free(m, m.zone().min_mark());
  bool seen = false;
  wake(m);
  for (int i = 0; i < 1000 && !seen; ++i) {
    m.pass(10_us);
    seen = m.zone().reclaim_active;
  }
  EXPECT_TRUE(seen);
  m.pass(1_s);
  EXPECT_FALSE(m.zone().reclaim_active);
}

TEST(Kswapd, ItsTimeIsMemoryPressure) {
  Machine m(cached().build());
  m.busy_for_a_tick();
  leave_free(m, m.zone().min_mark());
  wake(m);
  m.pass(1_s);
  EXPECT_GT(m.lost_some(), 0_ns);
  EXPECT_EQ(m.lost_full(), m.lost_some()) << "nothing else runs on its CPU";
}

}  // namespace
}  // namespace oomcast::mm
