// Memory pressure (PSI) of one group: the stalls of its tasks on the CPUs of a host, as kernel/sched/psi.c counts them.
#include "model/sim/pressure_group.h"

#include <gtest/gtest.h>

namespace oomcast::sim {
namespace {

using namespace oomcast::literals;

constexpr TaskState kIdle{}, kRuns{.running = true}, kStallsRunning{.running = true, .stalled = true},
    kStallsAsleep{.stalled = true}, kReads{.waiting = true};
constexpr Nanoseconds kPeriod = PressureGroup::kPressurePeriod;

// A task that is stalled for `share` percent of every period, and sleeps for the rest.
PressureGroup after(int64_t periods, int64_t share) {
  PressureGroup group(1, false);
  for (int64_t i = 0; i < periods; ++i) {
    group.change(0, kPeriod * i, kIdle, kStallsAsleep);
    group.change(0, kPeriod * i + kPeriod * share / 100, kStallsAsleep, kIdle);
    group.update(kPeriod * (i + 1));
  }
  return group;
}

TEST(PressureGroup, ATaskThatIsStalledAloneLosesSomeAndFull) {
  PressureGroup group(1, false);
  group.change(0, 0_s, kIdle, kRuns);
  group.change(0, 1_s, kRuns, kStallsRunning);
  group.change(0, 1300_ms, kStallsRunning, kStallsAsleep);
  group.change(0, 1500_ms, kStallsAsleep, kRuns);
  group.update(2_s);
  EXPECT_EQ(group.some().total, 500_ms);
  EXPECT_EQ(group.full().total, 500_ms);
}

TEST(PressureGroup, WhileAnotherTaskOfTheCpuWorksNotAllIsLost) {
  PressureGroup group(1, false);
  group.change(0, 0_s, kIdle, kRuns);
  group.change(0, 0_s, kIdle, kStallsAsleep);
  group.update(1_s);
  EXPECT_EQ(group.some().total, 1_s);
  EXPECT_EQ(group.full().total, 0_s);
}

TEST(PressureGroup, ATaskThatReclaimsOnTheCpuKeepsTheOtherFromWorkingHalfOfTheTime) {
  PressureGroup group(1, false);
  group.change(0, 0_s, kIdle, kRuns);
  group.change(0, 0_s, kIdle, kStallsRunning);
  group.update(1_s);
  EXPECT_EQ(group.some().total, 1_s);
  EXPECT_EQ(group.full().total, 500_ms);
}

TEST(PressureGroup, CpusCountByTheTimeInWhichTheyWereNotIdle) {
  PressureGroup group(4, false);  // two of them are idle and count for nothing
  group.change(0, 0_s, kIdle, kStallsAsleep);
  group.change(1, 0_s, kIdle, kRuns);
  group.change(1, 500_ms, kRuns, kIdle);
  group.update(1_s);
  EXPECT_EQ(group.some().total, Nanoseconds(1'000'000'000LL * 250 / 375)) << "1 s lost of 1 s, and nothing of 0.5 s";
}

TEST(PressureGroup, WaitingForADiskIsNotIdle) {
  PressureGroup group(2, false);
  group.change(0, 0_s, kIdle, kStallsAsleep);
  group.change(1, 0_s, kIdle, kReads);
  group.update(1_s);
  EXPECT_EQ(group.some().total, 500_ms);
}

TEST(PressureGroup, TimeThatPassedLaterThanItWasUsedIsSetRight) {
  PressureGroup group(1, false);
  group.change(0, 0_s, kIdle, kStallsRunning);
  group.change(0, 1_s, kStallsRunning, kRuns);
  group.correct(0, 100_ms);
  group.update(2_s);
  EXPECT_EQ(group.some().total, 1100_ms);
  EXPECT_EQ(group.full().total, 1100_ms);
}

TEST(PressureGroup, BeforeLinux513ATickHasToHitTheReclaimThatRuns) {
  PressureGroup group(1, true);
  group.change(0, 0_ms, kIdle, kRuns);
  group.change(0, 5_ms, kRuns, kStallsRunning);  // the next tick comes at 8 ms
  group.change(0, 7_ms, kStallsRunning, kRuns);
  group.change(0, 9_ms, kRuns, kStallsRunning);  // at 12 ms
  group.change(0, 15_ms, kStallsRunning, kStallsAsleep);
  group.change(0, 20_ms, kStallsAsleep, kRuns);
  group.update(100_ms);
  EXPECT_EQ(group.some().total, 13_ms);
  EXPECT_EQ(group.full().total, 8_ms) << "3 ms up to the tick, and all of the sleep";
}

TEST(PressureGroup, TheFirstPeriodMovesTheAveragesByTheirWeight) {
  // calc_load() of 100 %: 100 - 100 * 1677 / 2048, and the like.
  EXPECT_EQ(after(1, 100).some().avg10_centi, 1811);
  EXPECT_EQ(after(1, 100).some().avg60_centi, 327);
  EXPECT_EQ(after(1, 100).some().avg300_centi, 68);
}

TEST(PressureGroup, ASampleIsAWholePercent) {
  PressureGroup group(1, false);
  group.change(0, 0_s, kIdle, kStallsAsleep);
  group.change(0, 19_ms, kStallsAsleep, kIdle);  // 0.95 %
  group.update(kPeriod);
  EXPECT_EQ(group.some().total, 19_ms);
  EXPECT_EQ(group.some().avg10_centi, 0);
}

TEST(PressureGroup, TheAveragesApproachTheSteadyShare) {
  EXPECT_NEAR(static_cast<double>(after(50, 30).some().avg10_centi), 2950, 60);
  EXPECT_NEAR(static_cast<double>(after(300, 30).some().avg60_centi), 2950, 60);
}

TEST(PressureGroup, PeriodsInWhichNobodyLookedDecayThem) {
  PressureGroup group = after(50, 100);
  const int64_t before = group.some().avg10_centi;
  group.update(kPeriod * 55);
  EXPECT_NEAR(static_cast<double>(group.some().avg10_centi), static_cast<double>(before) * 0.368, 40);
}

TEST(PressureGroup, NothingMovesWithinAPeriodButTheTotals) {
  PressureGroup group(1, false);
  group.change(0, 0_s, kIdle, kStallsAsleep);
  group.update(1_s);
  EXPECT_EQ(group.some().total, 1_s);
  EXPECT_EQ(group.some().avg10_centi, 0);
  group.update(kPeriod);
  EXPECT_EQ(group.some().avg10_centi, 1811);
}

TEST(PressureGroup, RowsOfTheTimelineDoNotDisturbTheAverages) {
  PressureGroup group(1, false);
  group.change(0, 0_s, kIdle, kStallsAsleep);
  EXPECT_EQ(group.some_since_last_row(1_s), 1_s);
  EXPECT_EQ(group.some_since_last_row(1500_ms), 500_ms);
  group.update(kPeriod);
  EXPECT_EQ(group.some().total, kPeriod);
}

}  // namespace
}  // namespace oomcast::sim
