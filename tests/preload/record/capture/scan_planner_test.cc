// When a process is scanned next, and for what, by counts and a clock alone.
#include "preload/record/capture/scan_planner.h"

#include <gtest/gtest.h>

#include "preload/record/kernel/pages.h"
#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kMsNs = 1'000'000, kHeap = 0x10'0000'0000;

class ScanPlannerTest : public testing::Test {
 protected:
  ScanPlannerTest() : process(table.add_process()), planner(table.processes, table.clocks, true) {
    process.tracker = TrackerKind::kUserfaultfd;
    process.scans.whole_ns = now() + 1000 * kMsNs;
  }
  uint64_t now() const { return table.clocks.now; }
  /// The kernel counts so many pages of its own.
  void has(uint64_t pages) { process.resident.rss_bytes = pages * kPage; }
  /// A scan has found all that there is.
  void all_found() {
    process.pages.clear_all();
    process.pages.touch(kHeap, kHeap + process.resident.rss_bytes);
    process.resident.counted_pages = process.resident.rss_bytes / kPage;
    ScanPlanner::note_scanned(process);
  }
  ScanScope scope() const { return planner.what_has_changed(process, now()); }

  FedTable table;
  Process& process;
  ScanPlanner planner;
};

TEST_F(ScanPlannerTest, WhatIsAllKnownIsNotScanned) {
  has(10'000);
  all_found();
  EXPECT_EQ(scope().touches, Touches::kNone);
  EXPECT_FALSE(scope().mappings);
}

TEST_F(ScanPlannerTest, MorePagesThanKnownAreLookedForWhereNoneWasKnown) {
  has(10'000);
  all_found();
  has(10'100);
  EXPECT_EQ(scope().touches, Touches::kFresh);
}

TEST_F(ScanPlannerTest, FewerPagesThanKnownAreMissedEverywhere) {
  has(10'000);
  all_found();
  has(9'000);
  EXPECT_EQ(scope().touches, Touches::kAll);
  process.scans.next_full_ns = now() + 1;
  EXPECT_NE(scope().touches, Touches::kAll) << "scans of all pages rest between two";
}

TEST_F(ScanPlannerTest, CountsThatLagMustSayMoreBeforeTheyAreNews) {
  has(1'000);
  all_found();
  has(1'030);
  EXPECT_EQ(scope().touches, Touches::kFresh);
  const ScanPlanner lagging(table.processes, table.clocks, false);
  EXPECT_EQ(lagging.what_has_changed(process, now()).touches, Touches::kNone);
  has(1'065);
  EXPECT_EQ(lagging.what_has_changed(process, now()).touches, Touches::kFresh);
}

TEST_F(ScanPlannerTest, AnotherSizeOfTheAddressSpaceHasTheMappingsRead) {
  process.resident.size_pages = process.scans.size_pages + 1;
  EXPECT_TRUE(scope().mappings);
  process.scans.size_pages = process.resident.size_pages;
  EXPECT_FALSE(scope().mappings);
  process.resident.data_pages = process.scans.data_pages + 1;
  EXPECT_TRUE(scope().mappings);
}

TEST_F(ScanPlannerTest, WhereAllIsScannedMappingsRestUntilTheyAreStale) {
  process.polled.all = {{0, kHeap}};
  process.scans.next_mappings_ns = now() + 1;
  process.resident.size_pages = process.scans.size_pages + 1;
  EXPECT_FALSE(scope().mappings);
  process.scans.next_mappings_ns = process.scans.stale_mappings_ns = now();
  process.resident.size_pages = process.scans.size_pages;
  EXPECT_TRUE(scope().mappings);
}

TEST_F(ScanPlannerTest, HeldProcessesAreScannedWhenDueOrOnNews) {
  process.exact = true;
  has(100);
  all_found();
  EXPECT_EQ(scope().touches, Touches::kNone);
  process.scans.whole_ns = now();
  EXPECT_EQ(scope().touches, Touches::kAll);
}

TEST_F(ScanPlannerTest, AfterAForkHeldProcessesAreAlwaysScanned) {
  process.exact = true;
  process.forks.group = 1;
  EXPECT_EQ(scope().touches, Touches::kAll);
}

TEST_F(ScanPlannerTest, TheNextScanComesEarlierTheMoreTheLastOneFound) {
  process.scans.began_ns = now() - 10 * kMsNs;
  process.resident.counted_pages = 102'000;
  planner.set_next_scan(process, now(), 0, Touches::kFresh, 100'000, 0);
  const uint64_t little = process.scans.interval_ns;  // 2 % in 10 ms
  EXPECT_NEAR(static_cast<double>(little), 10.2 * kMsNs, 0.2 * kMsNs);
  process.scans.began_ns = now() - 10 * kMsNs;
  process.resident.counted_pages = 120'000;
  planner.set_next_scan(process, now(), 0, Touches::kFresh, 100'000, 0);
  EXPECT_EQ(process.scans.interval_ns, 8 * kMsNs);
}

TEST_F(ScanPlannerTest, WithoutChangeTheIntervalDoublesUpToFiftyMilliseconds) {
  process.scans.began_ns = now() - 10 * kMsNs;
  process.scans.interval_ns = 8 * kMsNs;
  for (const uint64_t expected : {16 * kMsNs, 32 * kMsNs, 50 * kMsNs, 50 * kMsNs}) {
    planner.set_next_scan(process, now(), 0, Touches::kFresh, 0, 0);
    EXPECT_EQ(process.scans.interval_ns, expected);
  }
}

TEST_F(ScanPlannerTest, ScansThatHaveUsedUpTheirShareRest) {
  process.scans.began_ns = now() - 10 * kMsNs;
  planner.set_next_scan(process, now(), 1 * kMsNs, Touches::kFresh, 0, 0);
  EXPECT_LE(process.scans.next_ns, now() + 50 * kMsNs) << "within what was saved up";
  planner.set_next_scan(process, now(), 300 * kMsNs, Touches::kFresh, 0, 0);
  EXPECT_EQ(process.scans.next_ns, now() + 300 * kMsNs * 10) << "a tenth of a CPU";
}

TEST_F(ScanPlannerTest, WhatTheSinkTookIsNotTheScansTime) {
  process.scans.began_ns = now() - 10 * kMsNs;
  planner.set_next_scan(process, now(), 300 * kMsNs, Touches::kFresh, 0, 300 * kMsNs);
  EXPECT_LE(process.scans.next_ns, now() + 50 * kMsNs);
}

TEST_F(ScanPlannerTest, RestIsTheShareOfACpuAndHalfOfItForOneProcess) {
  table.clocks.cpu = 5 * kMsNs;
  EXPECT_EQ(planner.rest_after(4 * kMsNs, 40), now() + 80 * kMsNs);
  EXPECT_EQ(planner.rest_in_polling_phase(process, 4 * kMsNs), now() + 50 * kMsNs);
  process.exact = true;
  EXPECT_EQ(planner.rest_in_polling_phase(process, 4 * kMsNs), 0u);
}

}  // namespace
}  // namespace oomcast::record
