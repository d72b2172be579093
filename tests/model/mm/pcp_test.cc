// Per-CPU page lists are refilled and give back their surplus: those of 6.1, and those of 6.12, which tune themselves.
#include "model/mm/pcp.h"

#include <gtest/gtest.h>

#include <vector>

#include "model/mm/page_alloc.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

constexpr host::KernelVersion k61{6, 1}, k612{6, 12};

host::Pcp list(int64_t count, int64_t high, int64_t batch = 63) {
  host::Pcp pcp;
  pcp.count = count;
  pcp.high = pcp.high_min = high;
  pcp.high_max = 16 * high;
  pcp.batch = batch;
  return pcp;
}

TEST(Pcp61, ARefillIsOneBatch) {
  host::Pcp big = list(0, 5000), dma = list(0, 4, 1);
  EXPECT_EQ(pcp_refill(k61, {}, big), 63);
  EXPECT_EQ(pcp_refill(k61, {}, big), 63) << "however often";
  EXPECT_EQ(pcp_refill(k61, {}, dma), 1);
}

TEST(Pcp61, NothingGoesBackBelowHigh) {
  host::Pcp pcp = list(999, 1000);
  EXPECT_EQ(pcp_surplus(k61, {}, pcp), 0);
  pcp.count = 1000;
  EXPECT_EQ(pcp_surplus(k61, {}, pcp), 63);
}

TEST(Pcp61, AStreamOfFreesGivesBackTwiceAsMuchEachTime) {
  host::Pcp pcp = list(5000, 5000);
  std::vector<int64_t> given;
  for (int i = 0; i < 8; ++i) {
    given.push_back(pcp_surplus(k61, {}, pcp));
    pcp.count = 5000;
  }
  EXPECT_EQ(given, (std::vector<int64_t>{63, 126, 252, 504, 1008, 2016, 2016, 2016}));
}

TEST(Pcp61, OneBatchStaysBehind) {
  host::Pcp pcp = list(300, 300);
  pcp.free_factor = 5;
  EXPECT_EQ(pcp_surplus(k61, {}, pcp), 300 - 63);
}

TEST(Pcp61, EachAllocationHalvesTheHaste) {
  host::Pcp pcp = list(5000, 5000);
  pcp.free_factor = 4;
  pcp_note_alloc(pcp);
  EXPECT_EQ(pcp.free_factor, 2);
}

TEST(Pcp61, ListsStayShortWhileKswapdReclaimsTheZone) {
  host::Zone zone;
  zone.reclaim_active = true;
  host::Pcp pcp = list(4 * 63 - 1, 5000);
  EXPECT_EQ(pcp_surplus(k61, zone, pcp), 0);
  pcp.count = 4 * 63;
  EXPECT_EQ(pcp_surplus(k61, zone, pcp), 63);
}

TEST(Pcp612, AStreamOfAllocationsRefillsTwiceAsMuchEachTime) {
  host::Pcp pcp = list(0, 14425);
  std::vector<int64_t> got;
  for (int i = 0; i < 7; ++i) got.push_back(pcp_refill(k612, {}, pcp));
  EXPECT_EQ(got, (std::vector<int64_t>{63, 126, 252, 504, 1008, 2016, 2016}));
}

TEST(Pcp612, TheLimitGrowsWithTheStreamUpToItsMaximum) {
  host::Pcp pcp = list(0, 1000);
  pcp.high_max = 1500;
  pcp_refill(k612, {}, pcp);
  EXPECT_EQ(pcp.high, 1063);
  for (int i = 0; i < 8; ++i) pcp_refill(k612, {}, pcp);
  EXPECT_EQ(pcp.high, 1500);
}

TEST(Pcp612, TheLimitStandsStillBelowTheHighMark) {
  host::Zone zone;
  zone.below_high = true;
  host::Pcp pcp = list(0, 1000);
  pcp_refill(k612, zone, pcp);
  EXPECT_EQ(pcp.high, 1000);
}

TEST(Pcp612, ARefillNeverExceedsTheLimit) {
  host::Pcp pcp = list(0, 300);
  pcp.high_max = 300;
  pcp.alloc_factor = 5;
  EXPECT_EQ(pcp_refill(k612, {}, pcp), 300 - 63);
}

TEST(Pcp612, AFreshListStartsFromItsMinimum) {
  host::Pcp pcp = list(0, 1000);
  pcp.high = 0;
  pcp_refill(k612, {}, pcp);
  EXPECT_EQ(pcp.high, 1063);
}

TEST(Pcp612, ASingleFreeSlowsTheNextRefillDown) {
  host::Pcp pcp = list(10, 1000);
  pcp.alloc_factor = 4;
  pcp_surplus(k612, {}, pcp);
  EXPECT_EQ(pcp.alloc_factor, 2);
  EXPECT_EQ(pcp.free_count, 1);
  pcp.free_count = 100;
  pcp_note_alloc(pcp);
  EXPECT_EQ(pcp.free_count, 50);
}

TEST(Pcp612, BelowTheHighMarkAFreeGivesBackAtOnce) {
  host::Zone zone;
  zone.below_high = true;
  host::Pcp pcp = list(2000, 1000);
  pcp.high = 4000;
  EXPECT_GT(pcp_surplus(k612, zone, pcp), 0);
  EXPECT_EQ(pcp.high, 4000 - 63) << "and the limit comes down";
}

TEST(Pcp612, KswapdAtWorkShrinksTheLimitToItsMinimum) {
  host::Zone zone;
  zone.reclaim_active = true;
  host::Pcp pcp = list(100, 1000);
  pcp.high = 1010;
  EXPECT_EQ(pcp_surplus(k612, zone, pcp), 0) << "100 are fewer than four batches";
  EXPECT_EQ(pcp.high, 1000);
  pcp.count = 4 * 63;
  EXPECT_EQ(pcp_surplus(k612, zone, pcp), 63);
}

TEST(Pcp612, LongFreeingStreamsAreGivenBackInBigPieces) {
  host::Pcp pcp = list(14425, 14425);
  pcp.high_max = 14425;
  pcp.free_count = 2016;
  EXPECT_EQ(pcp_surplus(k612, {}, pcp), 2016);
  EXPECT_EQ(pcp.free_count, 2016) << "32 batches at most";
}

TEST(Pcp, FreedMemoryStaysHiddenFromTheFreeCount) {
  // Watermarks do not see what lies on per-CPU lists: on 6.1 up to one low mark's worth.
  Machine m(HostBuilder().plain_node(124819_pages).build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  const int64_t free = m.zone().free, high = m.zone().pcp[0].high;
  m.touch(app, 0, 16384);
  m.run([&] { zap_range(m.k, app, 0, 16384); });
  EXPECT_EQ(m.available(), free - m.process(app).table_pages());
  EXPECT_LT(m.zone().free, free - m.process(app).table_pages());
  EXPECT_LE(m.zone().parked(), high);
}

}  // namespace
}  // namespace oomcast::mm
