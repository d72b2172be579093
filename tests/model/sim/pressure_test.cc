// Time that is lost to memory is accounted for. The averages of /proc/pressure/memory.
#include "model/sim/pressure.h"

#include <gtest/gtest.h>

namespace oomcast::sim {
namespace {

using namespace oomcast::literals;

// `share` percent of every 2 s lost, for `seconds`.
PressureMeter after(int64_t seconds, int64_t share) {
  PressureMeter meter;
  for (int64_t t = 2; t <= seconds; t += 2) meter.add(1_s * t, 20_ms * share, 0_ns);
  return meter;
}

TEST(Pressure, TotalsAddUp) {
  const PressureMeter meter = after(10, 50);
  EXPECT_EQ(meter.some_line().total, 5_s);
  EXPECT_EQ(meter.full_line().total, 0_ns);
}

TEST(Pressure, TheFirstPeriodMovesTheTenSecondAverageByItsWeight) {
  // 1 - 1677/2048 = 18.1 %
  EXPECT_EQ(after(2, 100).some_line().avg10_centi, 1811);
  EXPECT_EQ(after(2, 100).some_line().avg60_centi, 327);
  EXPECT_EQ(after(2, 100).some_line().avg300_centi, 68);
}

TEST(Pressure, TheAveragesApproachTheSteadyShare) {
  EXPECT_NEAR(static_cast<double>(after(100, 30).some_line().avg10_centi), 3000, 10);
  EXPECT_NEAR(static_cast<double>(after(600, 30).some_line().avg60_centi), 3000, 10);
  EXPECT_NEAR(static_cast<double>(after(3000, 30).some_line().avg300_centi), 3000, 20);
}

TEST(Pressure, QuietTimeLetsThemDecay) {
  PressureMeter meter = after(100, 100);
  const int64_t before = meter.some_line().avg10_centi;
  meter.add(110_s, 0_ns, 0_ns);  // five periods at once
  EXPECT_NEAR(static_cast<double>(meter.some_line().avg10_centi), static_cast<double>(before) * 0.368, 40);
}

TEST(Pressure, NothingMovesWithinAPeriod) {
  PressureMeter meter;
  meter.add(1900_ms, 1_s, 1_s);
  EXPECT_EQ(meter.some_line().avg10_centi, 0);
  EXPECT_EQ(meter.full_line().total, 1_s);
  meter.add(2_s, 0_ns, 0_ns);
  EXPECT_EQ(meter.full_line().avg10_centi, 905);
}

}  // namespace
}  // namespace oomcast::sim
