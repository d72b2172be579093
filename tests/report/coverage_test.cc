// Each headline says what it rests on, and a verdict is withheld exactly when nothing supports it.
#include "report/coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/json_report.h"
#include "tests/report/stories.h"

namespace oomcast::report {

using namespace oomcast::literals;

namespace {

RestsOn rests_on(const stories::Story& story, const std::string& key) {
  for (const Basis& basis : headline_basis(story.outcome, story.capture))
    if (basis.key == key) return basis.rests_on;
  ADD_FAILURE() << "no basis for " << key;
  return RestsOn::kModelled;
}

TEST(Coverage, AWellSeenRunIsMeasuredAndModelled) {
  EXPECT_EQ(rests_on(stories::fits(), "verdict"), RestsOn::kModelled);
  EXPECT_EQ(rests_on(stories::fits(), "app"), RestsOn::kMeasured);
  EXPECT_EQ(supported_verdict(stories::fits().outcome, stories::fits().capture), sim::Verdict::kFits);
}

TEST(Coverage, AGuessedSpeedMakesTheTimesAssumed) {
  stories::Story story = stories::fits();
  story.outcome.host.assumed = {"calibration.cpu_loop_20m_s: 0.05 (not in the snapshot)"};
  EXPECT_EQ(rests_on(story, "forecast_s"), RestsOn::kAssumed);
}

TEST(Coverage, WhatFollowsAKillIsExtrapolated) {
  stories::Story story = stories::oom();
  EXPECT_EQ(rests_on(story, "oom_kills"), RestsOn::kModelled);
  story.outcome.oom_kills.push_back(story.outcome.oom_kills[0]);
  EXPECT_EQ(rests_on(story, "oom_kills"), RestsOn::kExtrapolated);
}

TEST(Coverage, UnseenMemoryWithholdsAKindVerdictButNotAHarshOne) {
  EXPECT_FALSE(supported_verdict(stories::unseen().outcome, stories::unseen().capture).has_value());
  stories::Story killed = stories::oom();
  killed.capture.tracker = "none";
  EXPECT_TRUE(supported_verdict(killed.outcome, killed.capture).has_value());
}

TEST(Coverage, ACutTraceWithholdsAKindVerdictButNotAnOomKill) {
  stories::Story story = stories::fits(), killed = stories::oom();
  story.capture.cut = killed.capture.cut = "the trace ends in the middle";
  EXPECT_FALSE(supported_verdict(story.outcome, story.capture).has_value());
  EXPECT_TRUE(supported_verdict(killed.outcome, killed.capture).has_value());
  EXPECT_EQ(incomplete_text(story.capture), story.capture.cut);
}

TEST(Coverage, ProcessesThatWereLeftBehindAreCountedAndNamed) {
  stories::Story story = stories::fits();
  EXPECT_EQ(incomplete_text(story.capture), "");
  for (int pid = 71; pid < 78; ++pid) story.capture.still_running.push_back("nginx (pid " + std::to_string(pid) + ")");
  EXPECT_THAT(incomplete_text(story.capture), testing::StartsWith("processes still running: 7 (nginx (pid 71), "));
  EXPECT_THAT(incomplete_text(story.capture), testing::HasSubstr(" and 2 more)"));
}

TEST(Coverage, UnseenMemoryIsComparedWithTheDistanceToTheNextVerdict) {
  stories::Story story = stories::fits();
  story.outcome.next_worse = sim::Margin{sim::Verdict::kBackgroundReclaim, 300_MiB};
  story.capture.rss_peak_bytes = 600 << 20;
  story.capture.tracked_peak_bytes = 324 << 20;  // 54 %
  EXPECT_EQ(judge_support(story.outcome, story.capture).level, Support::Level::kLow)
      << "276 MiB more would have fitted";
  story.outcome.next_worse->distance = 186_MiB;
  const Support support = judge_support(story.outcome, story.capture);
  EXPECT_EQ(support.level, Support::Level::kWithheld);
  EXPECT_THAT(support.why, testing::HasSubstr("276.0 MiB could change the verdict"));
  story.capture.tracked_peak_bytes = 590 << 20;
  story.outcome.next_worse->distance = 1_MiB;
  EXPECT_EQ(judge_support(story.outcome, story.capture).level, Support::Level::kGood)
      << "within what the capture promises";
}

// Seen with rustc: 139.7 MiB resident, 133.5 of them touched by it and 5.4 prefilled by the recorder.
TEST(Coverage, PrefilledPagesAreNotTakenForUnseenMemory) {
  stories::Story story = stories::fits();
  story.outcome.next_worse = sim::Margin{sim::Verdict::kOomKill, 2_MiB};
  story.capture.rss_peak_bytes = 140 << 20;
  story.capture.tracked_peak_bytes = 134 << 20;
  EXPECT_EQ(judge_support(story.outcome, story.capture).level, Support::Level::kWithheld);
  story.capture.prefilled_bytes = 5 << 20;
  EXPECT_EQ(judge_support(story.outcome, story.capture).level, Support::Level::kGood);
  EXPECT_EQ(unseen_bytes(story.capture), 1u << 20);
  EXPECT_DOUBLE_EQ(compare_with_kernel(story.capture).ratio.value(), 134.0 / 135.0);
  story.capture.prefilled_bytes = 7 << 20;  // of the peak of private pages, which may come at another time
  EXPECT_EQ(unseen_bytes(story.capture), 0u);
}

TEST(Coverage, AKillIsNeverWithheldForWhatWasNotSeen) {
  stories::Story story = stories::fits();
  story.outcome.next_worse = sim::Margin{sim::Verdict::kDirectReclaim, 38_MiB};
  story.capture.rss_peak_bytes = 400 << 20;
  story.capture.tracked_peak_bytes = 216 << 20;
  EXPECT_FALSE(supported_verdict(story.outcome, story.capture).has_value());
  story.outcome.verdict = sim::Verdict::kOomKill;
  EXPECT_TRUE(supported_verdict(story.outcome, story.capture).has_value());
}

TEST(Coverage, IsNoRatioWhereTheKernelsCountSaysNothing) {
  trace::CaptureSummary capture = stories::fits().capture;
  const auto compared = [&](uint64_t tracked, uint64_t rss) {
    capture.tracked_peak_bytes = tracked;
    capture.rss_peak_bytes = rss;
    return compare_with_kernel(capture);
  };
  EXPECT_DOUBLE_EQ(compared(54 << 20, 100 << 20).ratio.value(), 0.54);
  EXPECT_DOUBLE_EQ(compared(150 << 20, 100 << 20).ratio.value(), 1.5) << "counted twice, for all that is known";
  EXPECT_DOUBLE_EQ(compared(120 << 10, 120 << 10).ratio.value(), 1) << "both saw the same little";
  EXPECT_THAT(compared(250 << 20, 0).why, testing::HasSubstr("never read"));
  EXPECT_THAT(compared(250 << 20, 12 << 10).why, testing::HasSubstr("had less (12.0 KiB)"));
  EXPECT_THAT(compared(60 << 10, 120 << 10).why, testing::HasSubstr("too little memory"));
  EXPECT_FALSE(compared(250 << 20, 12 << 10).ratio.has_value());
}

TEST(Coverage, SaysWhyThereIsNoRatio) {
  stories::Story story = stories::fits();
  story.capture.tracked_peak_bytes = 250 << 20;
  story.capture.rss_peak_bytes = 12 << 10;
  const nlohmann::ordered_json coverage = coverage_json(story.outcome, story.capture);
  EXPECT_TRUE(coverage["ratio"].is_null());
  EXPECT_THAT(coverage["ratio_why"].get<std::string>(), testing::HasSubstr("12.0 KiB"));
  story.capture.rss_peak_bytes = 250 << 20;
  EXPECT_TRUE(coverage_json(story.outcome, story.capture)["ratio_why"].is_null());
}

TEST(Coverage, CaveatsOfRecorderAndModelAreBothKept) {
  stories::Story story = stories::unseen();
  story.outcome.left_out.beyond_pid = 7;
  EXPECT_THAT(all_caveats(story.outcome, story.capture),
              testing::IsSupersetOf<testing::Matcher<std::string>>(
                  {testing::HasSubstr("beyond 4 PiB"), story.capture.caveats[0]}));
}

TEST(Coverage, SleepsForMemoryHighWithoutSwapMayLastLonger) {
  stories::Story story = stories::fits();
  story.outcome.stall.memory_high_total = 900_ms;
  EXPECT_THAT(all_caveats(story.outcome, story.capture),
              testing::Not(testing::Contains(testing::HasSubstr("memory.high"))));
  story.outcome.stall.memory_high_dry_total = 400_ms;
  EXPECT_THAT(all_caveats(story.outcome, story.capture),
              testing::Contains(
                  testing::AllOf(testing::HasSubstr("much longer than the 400 ms"), testing::HasSubstr("own text"))));
}

}  // namespace
}  // namespace oomcast::report
