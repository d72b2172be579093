// Before Linux 5.8 the pages found in use balance anonymous against file pages. The vectors come from Linux 4.19.
#include "model/mm/reclaim_stat.h"

#include <gtest/gtest.h>

#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::LruKindIndex;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using support::stock;
using namespace oomcast::literals;

struct Stat : testing::Test {
  Stat() { lists(4000, 4000); }
  void lists(int64_t anon, int64_t file) {
    stock(lruvec, LruKindIndex::kInactiveAnon, anon);
    stock(lruvec, LruKindIndex::kActiveFile, file);
  }
  host::Lruvec lruvec;
};

TEST_F(Stat, WithoutHistorySwappinessAloneDecides) {
  const ScanFractions fractions = rotation_fractions(lruvec, 60);
  EXPECT_EQ(fractions.of_type, (std::array<int64_t, 2>{60, 140}));
  EXPECT_EQ(fractions.denominator, 201);
}

TEST_F(Stat, ATypeWhosePagesAreInUseIsLeftAlone) {
  lruvec.recent_scanned = {999, 999};
  lruvec.recent_rotated = {999, 9};
  const ScanFractions fractions = rotation_fractions(lruvec, 100);
  EXPECT_EQ(fractions.of_type, (std::array<int64_t, 2>{100 * 1000 / 1000, 100 * 1000 / 10}));
}

TEST_F(Stat, CountsBeyondAQuarterOfTheListsAreHalved) {
  lruvec.recent_scanned = {1000, 1001};
  lruvec.recent_rotated = {500, 501};
  rotation_fractions(lruvec, 60);
  EXPECT_EQ(lruvec.recent_scanned, (std::array<int64_t, 2>{1000, 500})) << "1000 of 4000 is a quarter, not more";
  EXPECT_EQ(lruvec.recent_rotated, (std::array<int64_t, 2>{500, 250}));
}

HostBuilder kernel(int major, int minor) {
  return HostBuilder().kernel(major, minor).plain_node(20000_pages).swap(64_MiB);
}

TEST(RotationsOf54, NewAnonymousPagesAreActiveAndCountAsInUse) {
  Machine m(kernel(5, 4).build(), Kswapd::kAbsent);
  m.touch(m.start(100), 0, 30);
  EXPECT_EQ(m.list(LruKindIndex::kActiveAnon), 30);
  const host::Lruvec& lruvec = m.node().lruvec(host::kRootCgroup);
  EXPECT_EQ(lruvec.recent_scanned[0], 30);
  EXPECT_EQ(lruvec.recent_rotated[0], 30);
}

TEST(RotationsOf510, NewAnonymousPagesAreInactiveAndNothingIsCounted) {
  Machine m(kernel(5, 10).build(), Kswapd::kAbsent);
  m.touch(m.start(100), 0, 30);
  EXPECT_EQ(m.list(LruKindIndex::kInactiveAnon), 30);
  EXPECT_EQ(m.node().lruvec(host::kRootCgroup).recent_scanned[0], 0);
}

}  // namespace
}  // namespace oomcast::mm
