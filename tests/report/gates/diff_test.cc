// Tests what two reports make of each other.
#include "report/gates/diff.h"

#include <gmock/gmock.h>

#include "tests/report/gates/reports.h"

namespace oomcast::report {
namespace {

using gates_test::report;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kMiB = 1 << 20;

TEST(Diff, AReportIsNotWorseThanItself) {
  Diff diff = compare(report(100 * kMiB), report(100 * kMiB), 0);
  EXPECT_FALSE(diff.worse);
  EXPECT_TRUE(diff.sites.empty());
}

TEST(Diff, GrowthBeyondTheThresholdIsWorse) {
  EXPECT_FALSE(compare(report(100 * kMiB), report(104 * kMiB), 5).worse);
  EXPECT_TRUE(compare(report(100 * kMiB), report(106 * kMiB), 5).worse);
  EXPECT_FALSE(compare(report(106 * kMiB), report(100 * kMiB), 5).worse);
}

TEST(Diff, AWorseVerdictIsWorseWhateverTheThreshold) {
  EXPECT_TRUE(compare(report(kMiB, "fits"), report(kMiB, "background_reclaim"), 1000).worse);
  EXPECT_FALSE(compare(report(kMiB, "oom_kill"), report(kMiB, "fits"), 0).worse);
}

TEST(Diff, AVerdictThatIsNoLongerGivenIsWorse) {
  FinishedReport withheld = report(kMiB);
  withheld.document["verdict"] = nullptr;
  EXPECT_TRUE(compare(report(kMiB), withheld, 5).worse);
  EXPECT_FALSE(compare(withheld, report(kMiB), 5).worse);
}

TEST(Diff, LessFreeMemoryIsWorse) {
  EXPECT_TRUE(compare(report(kMiB, "fits", 9000), report(kMiB, "fits", 4000), 5).worse);
  EXPECT_FALSE(compare(report(kMiB, "fits", 4000), report(kMiB, "fits", 9000), 5).worse);
}

TEST(Diff, TheCodeThatGrewIsNamedWhereverItsLinesMoved) {
  FinishedReport before = report(100 * kMiB), after = report(100 * kMiB);
  after.document["sites"][0]["stack"] = {"malloc", "parse_config at config.c:812"};
  EXPECT_TRUE(compare(before, after, 5).sites.empty());
  after.document["sites"][0]["resident_bytes_peak"] = 90 * kMiB;
  Diff diff = compare(before, after, 5);
  ASSERT_EQ(diff.sites.size(), 1u);
  EXPECT_EQ(diff.sites[0].key, "site malloc < parse_config");
  EXPECT_THAT(diff_lines(diff, false), HasSubstr("50.0 MiB -> 90.0 MiB  +80 %  worse"));
  EXPECT_TRUE(nlohmann::json::accept(diff_json(diff)));
  EXPECT_THAT(diff_markdown(diff), HasSubstr("malloc \\< parse_config"));
}

}  // namespace
}  // namespace oomcast::report
