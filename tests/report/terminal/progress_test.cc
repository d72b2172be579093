// The line of progress says what is known by then, and no more.
#include <gtest/gtest.h>

#include "report/terminal/run_progress.h"
#include "report/terminal/search_progress.h"

namespace oomcast::report {
namespace {

TEST(Progress, ARunShowsItsForecastSoFar) {
  sim::Glimpse glimpse{Nanoseconds(0), Bytes(812 << 20), Bytes(43 << 20), sim::Verdict::kDirectReclaim};
  EXPECT_EQ(progress_text("vm-1g", 12.41, glimpse),
            "oomcast: 12.41 s, footprint 812.0 MiB; forecast for vm-1g: 43.0 MiB free, direct_reclaim so far");
}

TEST(Progress, TimeLeftIsInProportionToWhatIsDone) {
  EXPECT_EQ(replay_progress_text(0, 0.1), "oomcast: replay: 0 % of the recording");
  EXPECT_EQ(replay_progress_text(0.25, 30), "oomcast: replay: 25 % of the recording, 1 min 30 s left");
  EXPECT_EQ(sweep_progress_text(0, 64, 0.1), "oomcast: sweep: 0 of 64 hosts");
  EXPECT_EQ(sweep_progress_text(16, 64, 30), "oomcast: sweep: 16 of 64 hosts, 1 min 30 s left");
  EXPECT_EQ(sweep_progress_text(64, 64, 30), "oomcast: sweep: 64 of 64 hosts");
}

TEST(Progress, ASearchAsksSomeFourteenSizes) {
  EXPECT_EQ(fit_progress_text(0, 1 << 20, 100 << 20, 0), "oomcast: fit: 0 sizes tried, now 1.0 MiB to 100.0 MiB");
  EXPECT_EQ(fit_progress_text(10, 100 << 20, 100 << 20, 20),
            "oomcast: fit: 10 sizes tried, now 100.0 MiB to 100.0 MiB, about 8 s left");
  EXPECT_EQ(fit_progress_text(20, 99 << 20, 100 << 20, 20),
            "oomcast: fit: 20 sizes tried, now 99.0 MiB to 100.0 MiB, about 1 s left");
}

}  // namespace
}  // namespace oomcast::report
