// The effort of reclaim is shared between anonymous and file pages. The vectors of get_scan_count().
#include <gtest/gtest.h>

#include <tuple>

#include "model/mm/vmscan.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::LruKindIndex;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using support::stock;
using namespace oomcast::literals;

constexpr size_t kInactiveAnon = 0, kActiveAnon = 1, kInactiveFile = 2, kActiveFile = 3;

host::Lruvec& root_of(Machine& m) { return m.node().lruvec(host::kRootCgroup); }
auto plan(Machine& m, const ScanControl& sc) { return get_scan_count(m.k, m.node(), host::kRootCgroup, sc); }

constexpr int64_t kGib = 262144;  // pages

class InactiveRatio : public testing::TestWithParam<std::tuple<int64_t, int64_t>> {};

TEST_P(InactiveRatio, FollowsTheSquareRootOfTheSize) {
  const auto [gib, ratio] = GetParam();
  const int64_t total = gib == 0 ? kGib / 2 : gib * kGib;
  // The smallest inactive list that is not low has inactive * ratio >= active.
  const int64_t inactive = total / (ratio + 1) + 1;
  EXPECT_FALSE(inactive_is_low(inactive, total - inactive)) << ratio;
  const int64_t fewer = total / (ratio + 1) - 1;
  EXPECT_TRUE(inactive_is_low(fewer, total - fewer)) << ratio;
}

INSTANTIATE_TEST_SUITE_P(ByGib, InactiveRatio,
                         testing::Values(std::tuple{0, 1}, std::tuple{1, 3}, std::tuple{2, 4}, std::tuple{4, 6},
                                         std::tuple{10, 10}, std::tuple{64, 25}, std::tuple{100, 31},
                                         std::tuple{512, 71}));

// A node with a million pages on each list, so that integer rounding shows the fractions.
struct Fixture {
  explicit Fixture(int64_t swappiness, bool swap = true) : machine(builder(swappiness, swap).build(), Kswapd::kAbsent) {
    for (int i = 0; i < host::kEvictableLists; ++i) stock(lruvec(), static_cast<LruKindIndex>(i), 1'000'000);
  }
  static HostBuilder builder(int64_t swappiness, bool swap) {
    HostBuilder b;
    b.plain_node(20000_pages).set("vm.swappiness", swappiness);
    if (swap) b.swap(64_MiB);
    return b;
  }
  host::Lruvec& lruvec() { return root_of(machine); }
  auto plan(const ScanControl& sc) { return mm::plan(machine, sc); }
  Machine machine;
};

class Fractions : public testing::TestWithParam<std::tuple<int64_t, int64_t, int64_t, int64_t, int64_t>> {};

TEST_P(Fractions, AnonGetsItsShareByCostAndSwappiness) {
  const auto [swappiness, anon_cost, file_cost, ap, fp] = GetParam();
  Fixture f(swappiness);
  ScanControl sc;
  sc.priority = 1;
  sc.anon_cost = anon_cost;
  sc.file_cost = file_cost;
  const auto nr = f.plan(sc);
  EXPECT_EQ(nr[kInactiveAnon], 500'000 * ap / (ap + fp));
  EXPECT_EQ(nr[kActiveAnon], 500'000 * ap / (ap + fp));
  EXPECT_EQ(nr[kInactiveFile], 500'000 * fp / (ap + fp));
  EXPECT_EQ(nr[kActiveFile], 500'000 * fp / (ap + fp));
}

INSTANTIATE_TEST_SUITE_P(Spec, Fractions,
                         testing::Values(std::tuple{60, 0, 0, 60, 140}, std::tuple{60, 100, 0, 89, 417},
                                         std::tuple{60, 0, 100, 178, 209}, std::tuple{60, 100, 100, 119, 279},
                                         std::tuple{100, 50, 200, 249, 166}, std::tuple{0, 10, 10, 0, 393},
                                         std::tuple{200, 10, 10, 393, 0}));

TEST(ScanCount, WithoutSwapOnlyFilePagesAreScanned) {
  Fixture f(60, false);
  ScanControl sc;
  sc.priority = 4;
  EXPECT_EQ(f.plan(sc)[kInactiveAnon], 0);
  EXPECT_EQ(f.plan(sc)[kInactiveFile], 1'000'000 >> 4);
}

TEST(ScanCount, BoostReclaimLeavesAnonAlone) {
  Fixture f(60);
  ScanControl sc;
  sc.may_swap = false;
  EXPECT_EQ(f.plan(sc)[kInactiveAnon], 0);
  EXPECT_GT(f.plan(sc)[kInactiveFile], 0);
}

TEST(ScanCount, AtTheLastPriorityBothAreScannedWhole) {
  Fixture f(60);
  ScanControl sc;
  sc.priority = 0;
  EXPECT_EQ(f.plan(sc)[kInactiveAnon], 1'000'000);
  EXPECT_EQ(f.plan(sc)[kInactiveFile], 1'000'000);
}

TEST(ScanCount, SwappinessZeroSparesAnonEvenAtTheLastPriority) {
  Fixture f(0);
  ScanControl sc;
  sc.priority = 0;
  EXPECT_EQ(f.plan(sc)[kInactiveAnon], 0);
  EXPECT_EQ(f.plan(sc)[kInactiveFile], 1'000'000);
}

TEST(ScanCount, AFewFilePagesArePreservedWhenFileIsTiny) {
  Fixture f(60);
  ScanControl sc;
  sc.file_is_tiny = true;
  EXPECT_EQ(f.plan(sc)[kInactiveFile], 0);
  EXPECT_EQ(f.plan(sc)[kInactiveAnon], 1'000'000 >> 12);
}

TEST(ScanCount, CacheTrimModeSparesAnon) {
  Fixture f(60);
  ScanControl sc;
  sc.cache_trim_mode = true;
  EXPECT_EQ(f.plan(sc)[kInactiveAnon], 0);
  EXPECT_EQ(f.plan(sc)[kInactiveFile], 1'000'000 >> 12);
}

TEST(ScanCount, SmallListsAreNotScannedUntilThePriorityDrops) {
  Machine m(HostBuilder().plain_node(20000_pages).page_cache(4095_pages).build(), Kswapd::kAbsent);
  ScanControl sc;
  EXPECT_EQ(plan(m, sc)[kInactiveFile], 0);
  sc.priority = 11;
  EXPECT_EQ(plan(m, sc)[kInactiveFile], 1);
}

TEST(ScanCount, PagesOfHigherZonesThanAskedForDoNotCount) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  stock(root_of(m), LruKindIndex::kInactiveFile, 8000, host::ZoneKind::kDma);
  stock(root_of(m), LruKindIndex::kInactiveFile, 8000);
  ScanControl sc;
  sc.priority = 0;
  sc.highest_zone = host::ZoneKind::kDma;
  EXPECT_EQ(plan(m, sc)[kInactiveFile], 8000);
  sc.highest_zone = host::ZoneKind::kMovable;
  EXPECT_EQ(plan(m, sc)[kInactiveFile], 16000);
}

TEST(PrepareScanCount, ManyInactiveFilePagesMeanTrimTheCacheFirst) {
  Machine m(HostBuilder().plain_node(20000_pages).page_cache(4096_pages).swap(64_MiB).build(), Kswapd::kAbsent);
  ScanControl sc;
  prepare_scan_count(m.k, m.node(), sc);
  EXPECT_TRUE(sc.cache_trim_mode);
  stock(root_of(m), LruKindIndex::kActiveFile, 5000);
  prepare_scan_count(m.k, m.node(), sc);
  EXPECT_FALSE(sc.cache_trim_mode) << "inactive file is low: active pages have to be scanned";
  EXPECT_TRUE(sc.deactivate_file);
}

TEST(PrepareScanCount, FileIsTinyWhenItCouldNotLiftTheNodeAboveItsHighMarks) {
  Machine m(HostBuilder().plain_node(20000_pages).page_cache(50_pages).process(50, "big", 64_MiB).swap(64_MiB).build(),
            Kswapd::kAbsent);
  m.zone().free = 10;
  ScanControl sc;
  sc.priority = 6;
  prepare_scan_count(m.k, m.node(), sc);
  EXPECT_TRUE(sc.file_is_tiny);
  m.zone().free = m.zone().high;
  prepare_scan_count(m.k, m.node(), sc);
  EXPECT_FALSE(sc.file_is_tiny);
}

TEST(PrepareScanCount, RefaultsThatWereActivatedAllowDeactivation) {
  Machine m(HostBuilder().plain_node(20000_pages).page_cache(4000_pages).build(), Kswapd::kAbsent);
  ScanControl sc;
  prepare_scan_count(m.k, m.node(), sc);
  EXPECT_FALSE(sc.deactivate_file);
  ++root_of(m).workingset_activate[1];
  prepare_scan_count(m.k, m.node(), sc);
  EXPECT_TRUE(sc.deactivate_file);
  EXPECT_FALSE(sc.deactivate_anon);
  snapshot_refaults(m.node());
  prepare_scan_count(m.k, m.node(), sc);
  EXPECT_FALSE(sc.deactivate_file);
}

TEST(PrepareScanCount, ForceDeactivateOverridesTheBalance) {
  Machine m(HostBuilder().plain_node(20000_pages).page_cache(4000_pages).build(), Kswapd::kAbsent);
  ScanControl sc;
  sc.force_deactivate = true;
  prepare_scan_count(m.k, m.node(), sc);
  EXPECT_TRUE(sc.deactivate_file);
  EXPECT_TRUE(sc.deactivate_anon);
}

}  // namespace
}  // namespace oomcast::mm
