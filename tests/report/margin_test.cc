// A verdict is close where the capture, chance, or the next run of the same program could make it another one.
#include "report/margin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/report/stories.h"

namespace oomcast::report {
namespace {

using namespace oomcast::literals;

/// A program of 100 MiB that an OOM kill is `distance` away from.
VerdictMargin margin_at(Bytes distance) {
  stories::Story story = stories::fits();
  story.outcome.app.whole_run_peak = 100_MiB;
  story.outcome.next_better.reset();
  story.outcome.next_worse = sim::Margin{sim::Verdict::kOomKill, distance};
  return judge_margin(story.outcome, story.capture);
}

TEST(Margin, TheSpreadOfRunsIsTwoPercentOfThePeak) { EXPECT_EQ(margin_at(50_MiB).spread, Bytes((100 << 20) / 50)); }

TEST(Margin, IsCloseWithinWhatTheRunIsKnownToAndWhatRunsDifferBy) {
  const VerdictMargin wide = margin_at(50_MiB);
  EXPECT_FALSE(wide.close());
  EXPECT_TRUE(margin_at(wide.resolution + wide.spread).close());
  EXPECT_FALSE(margin_at(wide.resolution + wide.spread + Bytes(1)).close());
}

TEST(Margin, SaysWhatItRestsOn) {
  EXPECT_THAT(margin_at(1_MiB).why, testing::HasSubstr("runs of one program differ by 2 % of its peak, 2.0 MiB"));
}

}  // namespace
}  // namespace oomcast::report
