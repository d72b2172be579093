// The summary is understood in ten seconds. The goldens are what a person approved.
#include "report/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/host/cgroup.h"
#include "tests/report/golden.h"
#include "tests/report/stories.h"

namespace oomcast::report {
namespace {

std::string summary_of(const stories::Story& story, bool color = false) {
  return summary_text(story.outcome, story.capture, story.findings(), "oomcast.report.json", color);
}

TEST(Summary, Fits) { expect_golden(summary_of(stories::fits()), "fits.txt"); }
TEST(Summary, OomKill) { expect_golden(summary_of(stories::oom()), "oom.txt"); }
TEST(Summary, Bystander) { expect_golden(summary_of(stories::bystander()), "bystander.txt"); }
TEST(Summary, SwapThrash) { expect_golden(summary_of(stories::swap_thrash()), "swap_thrash.txt"); }
TEST(Summary, Withheld) { expect_golden(summary_of(stories::unseen()), "withheld.txt"); }

TEST(Summary, ProcessesThatWereLeftBehindAreSaidInTheFirstLine) {
  stories::Story story = stories::fits();
  story.capture.still_running = {"nginx (pid 71)", "nginx (pid 72)"};
  EXPECT_THAT(summary_of(story), testing::StartsWith("oomcast: INCOMPLETE: processes still running: 2 (nginx (pid 71)"));
  EXPECT_THAT(summary_of(story), testing::HasSubstr("--wait"));
}

TEST(Summary, SaysThatTheProgramWasKilledHere) {
  stories::Story story = stories::fits();
  story.capture.exited = false;
  story.capture.exit_signal = 9;
  EXPECT_THAT(summary_of(story), testing::HasSubstr("ended by signal 9 (SIGKILL)"));
}

TEST(Summary, WhereAGroupIsTheLimitItsNumbersAreShown) {
  stories::Story story = stories::oom();
  story.outcome.oom_kill->scope = sim::Scope::kCgroup;
  story.outcome.oom_kill->group = {"/app", Pages(65536), Pages(65536), Pages(host::kUnlimited)};
  const std::string text = summary_of(story);
  EXPECT_THAT(text, testing::HasSubstr("where      cgroup /app: uses 65,536 pages (256.0 MiB)"));
  EXPECT_THAT(text, testing::HasSubstr("memory.max 256.0 MiB, memory.high no limit"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("min 2,814 pages")));
}

TEST(Summary, HasColorOnlyWhenAsked) {
  EXPECT_THAT(summary_of(stories::oom(), true), testing::HasSubstr("\x1b[1;31mOOM KILL\x1b[0m"));
  EXPECT_THAT(summary_of(stories::oom(), false), testing::Not(testing::HasSubstr("\x1b")));
}

}  // namespace
}  // namespace oomcast::report
