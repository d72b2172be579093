// In which pieces is free memory, when does a zone run out of movable ones, and what does that cost?
#include "model/mm/free_blocks.h"

#include <gtest/gtest.h>

#include "model/mm/page_alloc.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::kHugePages;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

// 20000 pages: 3104 in pieces smaller than a block, the rest in 33 whole ones.
host::HostSpec in_pieces() {
  host::HostSpec spec = HostBuilder().plain_node(20000_pages).build();
  spec.nodes[0].zones[0].free_blocks = {32, 0, 0, 0, 0, 0, 0, 0, 12, 1, 16};
  spec.nodes[0].slab_unreclaimable = 4000_pages;
  return spec;
}

TEST(WholeBlocks, AreThoseOfTheSnapshot) { EXPECT_EQ(whole_free_blocks(Machine(in_pieces(), Kswapd::kAbsent).zone()), 33); }

TEST(WholeBlocks, SmallRequestsUseUpThePiecesFirst) {
  Machine m(in_pieces(), Kswapd::kAbsent);
  host::Zone& zone = m.zone();
  zone.free -= 3104;
  EXPECT_EQ(whole_free_blocks(zone), 33);
  zone.free -= 1;
  EXPECT_EQ(whole_free_blocks(zone), 32);
  zone.free -= 512;
  EXPECT_EQ(whole_free_blocks(zone), 31);
  zone.free += 512;
  EXPECT_EQ(whole_free_blocks(zone), 32);
}

TEST(WholeBlocks, HugePagesTakeWholeOnesAndLeaveThePieces) {
  Machine m(in_pieces(), Kswapd::kAbsent);
  host::Zone& zone = m.zone();
  zone.free -= 10 * kHugePages;
  zone.huge_blocks = 10;
  EXPECT_EQ(whole_free_blocks(zone), 23);
}

TEST(WholeBlocks, AHostWithoutBuddyinfoIsTakenForUnfragmented) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  EXPECT_EQ(whole_free_blocks(m.zone()), 20000 / kHugePages);
  EXPECT_EQ(m.zone().other_free, 0);
}

TEST(OtherBlocks, HoldThreeQuartersOfThePiecesButNoMoreThanTheKernelHas) {
  host::HostSpec spec = in_pieces();
  EXPECT_EQ(Machine(spec, Kswapd::kAbsent).zone().other_free, 3104 * 3 / 4);
  spec.nodes[0].slab_unreclaimable = 100_pages;
  EXPECT_EQ(Machine(spec, Kswapd::kAbsent).zone().other_free, 100);
}

TEST(OtherBlocks, AFreshBootLeavesSixHundredPagesOfThem) {
  host::HostSpec spec = in_pieces();
  spec.nodes[0].zones[0].free_blocks = {32, 0, 0, 0, 0, 0, 0, 0, 6, 4, 16};  // half of the pieces are three blocks
  EXPECT_EQ(Machine(spec, Kswapd::kAbsent).zone().start_pieces, 3104 - 6 * 256);
  EXPECT_EQ(Machine(spec, Kswapd::kAbsent).zone().other_free, 600);
}

TEST(OtherBlocks, AreNoMoreThanThatWhereProgramsWereReadFromADisk) {
  host::HostSpec spec = in_pieces();
  spec.nodes[0].lru.inactive_file = 255_pages;
  EXPECT_EQ(Machine(spec, Kswapd::kAbsent).zone().other_free, 3104 * 3 / 4) << "the root is in memory";
  spec.nodes[0].lru.inactive_file = 256_pages;
  EXPECT_EQ(Machine(spec, Kswapd::kAbsent).zone().other_free, 600);
}

TEST(OtherBlocks, PagetypeinfoKnowsBetter) {
  host::HostSpec spec = in_pieces();
  spec.nodes[0].zones[0].free_unmovable = 77_pages;
  EXPECT_EQ(Machine(spec, Kswapd::kAbsent).zone().other_free, 77);
}

TEST(Fallback, EachBringsOverHalfOfThemAndBoosts) {
  Machine m(in_pieces(), Kswapd::kAbsent);
  host::Zone& zone = m.zone();
  zone.other_free = zone.other_capacity = 1000;
  zone.free = 1010;
  EXPECT_FALSE(take_movable(m.k, zone, 10));
  EXPECT_EQ(zone.boost, 0);
  EXPECT_TRUE(take_movable(m.k, zone, 11));
  EXPECT_EQ(zone.other_free, 500);
  EXPECT_EQ(zone.boost, 512);
}

TEST(Fallback, StolenPagesAreBackInTheirBlocksWhenMemoryIsPlentifulAgain) {
  Machine m(in_pieces(), Kswapd::kAbsent);
  host::Zone& zone = m.zone();
  const int64_t all = zone.other_capacity;
  zone.free = all + 1;
  EXPECT_TRUE(take_movable(m.k, zone, 63));
  EXPECT_EQ(zone.other_free, all / 2);
  zone.free = 4 * all;
  take_movable(m.k, zone, 63);
  EXPECT_EQ(zone.other_free, all / 2);
  zone.free = 4 * all + 1;
  take_movable(m.k, zone, 63);
  EXPECT_EQ(zone.other_free, all);
}

TEST(Fallback, TheBoostGrowsUpToOneAndAHalfHighMarks) {
  Machine m(HostBuilder().plain_node(400000_pages).set("vm.min_free_kbytes", 1600).build(), Kswapd::kAbsent);
  host::Zone& zone = m.zone();
  const int64_t most = zone.high * 15000 / 10000;
  ASSERT_GT(most, 512);
  ASSERT_LT(most, 2048);
  for (int i = 0; i < 6; ++i) {
    zone.other_free = zone.free;
    take_movable(m.k, zone, 1);
  }
  EXPECT_EQ(zone.boost, most);
}

TEST(Fallback, TheKernelTakesAWholeBlockWithoutABoostWhileThereIsOne) {
  Machine m(in_pieces(), Kswapd::kAbsent);
  host::Zone& zone = m.zone();
  zone.other_free = 0;
  EXPECT_FALSE(take_unmovable(m.k, zone));
  EXPECT_EQ(zone.other_free, kHugePages - 1);
  zone.other_free = 0;
  zone.free = 400;
  EXPECT_TRUE(take_unmovable(m.k, zone));
  EXPECT_EQ(zone.other_free, 200);
  EXPECT_EQ(zone.boost, 512);
}

TEST(Fallback, NoBoostWithFactorZeroOrInZonesOfLessThanFourBlocks) {
  Machine off(HostBuilder().plain_node(20000_pages).set("vm.watermark_boost_factor", 0).build(), Kswapd::kAbsent);
  off.zone().other_free = off.zone().free;
  EXPECT_FALSE(take_movable(off.k, off.zone(), 1));
  Machine small(HostBuilder().plain_node(2047_pages).build(), Kswapd::kAbsent);
  small.zone().other_free = small.zone().free;
  EXPECT_FALSE(take_movable(small.k, small.zone(), 1));
  EXPECT_EQ(small.zone().boost, 0);
}

}  // namespace
}  // namespace oomcast::mm
