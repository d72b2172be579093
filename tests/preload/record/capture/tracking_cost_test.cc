// The calibration of what tracking costs comes to an end whatever happens to it.
#include "preload/record/capture/tracking_cost.h"

#include <gtest/gtest.h>

namespace oomcast::record {
namespace {

TEST(TaskClock, ACalibrationThatBreaksOffAssumesTheCost) {
  // No patience at all: the first fault has not come yet, and the thread that takes it must not be left waiting.
  for (int i = 0; i < 20; ++i) EXPECT_GT(measure_tracking_cost(0).fault_cpu_ns, 0u);
}

}  // namespace
}  // namespace oomcast::record
