// Free memory is whole blocks and pieces; a request that takes pieces of another migratetype boosts the watermarks.
#include "model/mm/free_blocks.h"

#include <gtest/gtest.h>

#include "model/mm/page_alloc.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::kHugePages;
using host::Migratetype;
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

TEST(WholeBlocks, AreThoseOfTheSnapshot) {
  EXPECT_EQ(whole_free_blocks(Machine(in_pieces(), Kswapd::kAbsent).zone()), 33);
}

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
  EXPECT_EQ(m.zone().other_free.sum(), 0);
}

TEST(OtherBlocks, HoldThreeQuartersOfThePiecesButNoMoreThanTheKernelHas) {
  host::HostSpec spec = in_pieces();
  EXPECT_EQ(Machine(spec, Kswapd::kAbsent).zone().other_free.sum(), 3104 * 3 / 4);
  spec.nodes[0].slab_unreclaimable = 100_pages;
  EXPECT_EQ(Machine(spec, Kswapd::kAbsent).zone().other_free.sum(), 100);
}

TEST(OtherBlocks, AFreshBootLeavesSixHundredPagesOfThem) {
  host::HostSpec spec = in_pieces();
  spec.nodes[0].zones[0].free_blocks = {32, 0, 0, 0, 0, 0, 0, 0, 6, 4, 16};  // half of the pieces are three blocks
  EXPECT_EQ(Machine(spec, Kswapd::kAbsent).zone().start_pieces, 3104 - 6 * 256);
  EXPECT_EQ(Machine(spec, Kswapd::kAbsent).zone().other_free.sum(), 600);
}

TEST(OtherBlocks, AreNoMoreThanThatWhereProgramsWereReadFromADisk) {
  host::HostSpec spec = in_pieces();
  spec.nodes[0].lru.inactive_file = 255_pages;
  EXPECT_EQ(Machine(spec, Kswapd::kAbsent).zone().other_free.sum(), 3104 * 3 / 4) << "the root is in memory";
  spec.nodes[0].lru.inactive_file = 256_pages;
  EXPECT_EQ(Machine(spec, Kswapd::kAbsent).zone().other_free.sum(), 600);
}

TEST(OtherBlocks, PagetypeinfoKnowsBetter) {
  host::HostSpec spec = in_pieces();
  spec.nodes[0].zones[0].free_unmovable = 77_pages;
  EXPECT_EQ(Machine(spec, Kswapd::kAbsent).zone().other_free.sum(), 77);
}

TEST(Fallback, EachBringsOverHalfOfThemAndBoosts) {
  Machine m(in_pieces(), Kswapd::kAbsent);
  host::Zone& zone = m.zone();
  zone.other_free = zone.other_capacity = {600, 400};
  zone.free = 1010;
  EXPECT_FALSE(take_movable(m.k, zone, 10));
  EXPECT_EQ(zone.boost, 0);
  EXPECT_TRUE(take_movable(m.k, zone, 11));
  EXPECT_EQ(zone.other_free.unmovable, 300) << "half of what the richer type has";
  EXPECT_EQ(zone.other_free.reclaimable, 400);
  EXPECT_EQ(zone.boost, 512);
}

TEST(Fallback, StolenPagesAreBackInTheirBlocksWhenMemoryIsPlentifulAgain) {
  Machine m(in_pieces(), Kswapd::kAbsent);
  host::Zone& zone = m.zone();
  zone.other_free = zone.other_capacity = {1000, 0};
  zone.free = 1001;
  EXPECT_TRUE(take_movable(m.k, zone, 63));
  EXPECT_EQ(zone.other_free.sum(), 500);
  zone.free = 4000;
  take_movable(m.k, zone, 63);
  EXPECT_EQ(zone.other_free.sum(), 500);
  zone.free = 4001;
  take_movable(m.k, zone, 63);
  EXPECT_EQ(zone.other_free.sum(), 1000);
}

TEST(Fallback, TheBoostGrowsUpToOneAndAHalfHighMarks) {
  Machine m(HostBuilder().plain_node(400000_pages).set("vm.min_free_kbytes", 1600).build(), Kswapd::kAbsent);
  host::Zone& zone = m.zone();
  const int64_t most = zone.high * 15000 / 10000;
  ASSERT_GT(most, 512);
  ASSERT_LT(most, 2048);
  for (int i = 0; i < 6; ++i) {
    zone.other_free = {zone.free, 0};
    take_movable(m.k, zone, 1);
  }
  EXPECT_EQ(zone.boost, most);
}

TEST(Fallback, TheKernelTakesAWholeBlockWithoutABoostWhileThereIsOne) {
  Machine m(in_pieces(), Kswapd::kAbsent);
  host::Zone& zone = m.zone();
  zone.other_free = {};
  EXPECT_FALSE(take_for_kernel(m.k, zone, Migratetype::kUnmovable));
  EXPECT_EQ(zone.other_free.unmovable, kHugePages - 1);
  zone.other_free = {};
  zone.free = 400;
  EXPECT_TRUE(take_for_kernel(m.k, zone, Migratetype::kUnmovable));
  EXPECT_EQ(zone.other_free.unmovable, 200);
  EXPECT_EQ(zone.boost, 512);
}

// Buffer heads of a large file leave what page tables can use alone, so movable memory runs dry as early as without
// them.
TEST(Fallback, SlabUsesUpItsOwnPiecesAndThenAWholeBlock) {
  Machine m(in_pieces(), Kswapd::kAbsent);
  host::Zone& zone = m.zone();
  zone.other_free = {300, 2};
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(take_for_kernel(m.k, zone, Migratetype::kReclaimable));
  EXPECT_EQ(zone.other_free.reclaimable, kHugePages - 1);
  EXPECT_EQ(zone.other_free.unmovable, 300);
  give_back(zone, Migratetype::kReclaimable);
  EXPECT_EQ(zone.other_free.reclaimable, kHugePages);
}

TEST(Fallback, ThereAreNeverMorePiecesThanFreePages) {
  Machine m(in_pieces(), Kswapd::kAbsent);
  host::Zone& zone = m.zone();
  zone.other_free = {300, 200};
  zone.free = 450;
  keep_within_free(zone);
  EXPECT_EQ(zone.other_free.unmovable, 250);
  zone.free = 100;
  keep_within_free(zone);
  EXPECT_EQ(zone.other_free.sum(), 100);
  give_back(zone, Migratetype::kUnmovable);
  EXPECT_EQ(zone.other_free.sum(), 100);
}

TEST(Fallback, NoBoostWithFactorZeroOrInZonesOfLessThanFourBlocks) {
  Machine off(HostBuilder().plain_node(20000_pages).set("vm.watermark_boost_factor", 0).build(), Kswapd::kAbsent);
  off.zone().other_free = {off.zone().free, 0};
  EXPECT_FALSE(take_movable(off.k, off.zone(), 1));
  Machine small(HostBuilder().plain_node(2047_pages).build(), Kswapd::kAbsent);
  small.zone().other_free = {small.zone().free, 0};
  EXPECT_FALSE(take_movable(small.k, small.zone(), 1));
  EXPECT_EQ(small.zone().boost, 0);
}

}  // namespace
}  // namespace oomcast::mm
