// Tests what a budget makes of one report and of several.
#include "report/gates/judge.h"

#include <gmock/gmock.h>

#include "report/gates/gate_text.h"
#include "tests/report/gates/reports.h"

namespace oomcast::report {
namespace {

using gates_test::report;
using testing::HasSubstr;
using testing::Not;

constexpr int64_t kMiB = 1 << 20;

Budget at_most(const std::string& key, double most, BudgetLevel level = BudgetLevel::kError) {
  Budget budget;
  budget.key = key;
  budget.at_most = most;
  budget.level = level;
  return budget;
}

std::vector<BudgetResult> judged(const std::vector<FinishedReport>& reports, const std::vector<Budget>& budgets) {
  auto results = judge(reports, budgets);
  EXPECT_TRUE(results.ok()) << results.error().message;
  return results.ok() ? results.value() : std::vector<BudgetResult>{};
}

TEST(Judge, ANumberAboveItsBoundBreaksTheGate) {
  auto results = judged({report(300 * kMiB)}, {at_most("app.footprint_peak_bytes", 200 * kMiB)});
  EXPECT_EQ(results[0].judgement, Judgement::kBroken);
  EXPECT_THAT(results[0].why, HasSubstr("300.0 MiB, above the 200.0 MiB"));
  EXPECT_EQ(gate_status(results), 1);
}

TEST(Judge, AWarningDoesNotBreakTheGate) {
  auto results = judged({report(300 * kMiB)}, {at_most("app.footprint_peak_bytes", 1, BudgetLevel::kWarn)});
  EXPECT_EQ(results[0].judgement, Judgement::kWarned);
  EXPECT_EQ(gate_status(results), 0);
}

TEST(Judge, WhatIsOffIsNotJudged) {
  auto results = judged({report(300 * kMiB)}, {at_most("app.footprint_peak_bytes", 1, BudgetLevel::kOff)});
  EXPECT_EQ(results[0].judgement, Judgement::kOff);
}

TEST(Judge, OneSlowRunOfThreeDoesNotBreakTheGate) {
  std::vector<FinishedReport> runs{report(900 * kMiB), report(100 * kMiB), report(110 * kMiB)};
  auto results = judged(runs, {at_most("app.footprint_peak_bytes", 200 * kMiB)});
  EXPECT_EQ(results[0].judgement, Judgement::kKept);
  EXPECT_THAT(results[0].why, HasSubstr("median of 3 reports, 100.0 MiB to 900.0 MiB"));
}

TEST(Judge, TheWorseOfTwoRunsIsTheirMedian) {
  auto results = judged({report(1, "fits"), report(1, "oom_kill")}, {at_most("verdict", 2)});
  EXPECT_EQ(results[0].judgement, Judgement::kBroken);
}

TEST(Judge, AWithheldNumberBreaksTheGateEvenInOneRunOfThree) {
  FinishedReport withheld = report(1);
  withheld.document["verdict"] = nullptr;
  EXPECT_EQ(judged({report(1), report(1), withheld}, {at_most("verdict", 4)})[0].judgement, Judgement::kBroken);
}

TEST(Judge, AnUnknownKeyIsBadInputAndTheNearestIsNamed) {
  auto results = judge({report(1)}, {at_most("app.footprint_peak_byte", 1)});
  ASSERT_FALSE(results.ok());
  EXPECT_THAT(results.error().message, HasSubstr("did you mean 'app.footprint_peak_bytes'?"));
}

TEST(Judge, ABaselineIsKeptByTheRunsItWasMadeFromAndBrokenByALeak) {
  std::vector<FinishedReport> runs{report(100 * kMiB), report(102 * kMiB)};
  auto budgets = baseline(runs);
  EXPECT_EQ(gate_status(judged(runs, budgets)), 0);
  EXPECT_EQ(gate_status(judged({report(107 * kMiB)}, budgets)), 0);
  EXPECT_EQ(gate_status(judged({report(120 * kMiB)}, budgets)), 1);
  EXPECT_EQ(gate_status(judged({report(100 * kMiB, "direct_reclaim")}, budgets)), 1);
}

TEST(GateText, HostileNamesStayText) {
  Budget budget = at_most("x", 1);
  budget.key.clear();
  budget.site = "a<b>&\"c\"|\n::error::%0A";
  std::vector<BudgetResult> results{{budget, {2}, 2, Judgement::kBroken, "2, above"}};
  EXPECT_THAT(gate_junit(results, "s"), HasSubstr("site a&lt;b&gt;&amp;&quot;c&quot;|::error::%0A"));
  EXPECT_THAT(gate_github(results), HasSubstr("title=oomcast site a<b>&\"c\"|%0A%3A%3Aerror%3A%3A%250A::"));
  EXPECT_THAT(gate_github(results), HasSubstr("|%0A::error::%250A is 2, above\n"));  // a message: a comma is a comma
  EXPECT_THAT(gate_markdown(results), HasSubstr("a&lt;b&gt;&\"c\"\\|::error"));
  EXPECT_TRUE(nlohmann::json::accept(gate_json(results)));
}

TEST(GateText, GithubGetsTenAnnotationsAtMostErrorsFirst) {
  std::vector<BudgetResult> results;
  for (int i = 0; i < 9; ++i) results.push_back({at_most("warned", 1), {2}, 2, Judgement::kWarned, "w"});
  for (int i = 0; i < 4; ++i) results.push_back({at_most("failed", 1), {2}, 2, Judgement::kBroken, "f"});
  std::string text = gate_github(results);
  size_t annotations = 0;
  for (size_t at = 0; (at = text.find("::error title", at)) != std::string::npos; ++at) ++annotations;
  EXPECT_EQ(annotations, 4u);
  for (size_t at = 0; (at = text.find("::warning title", at)) != std::string::npos; ++at) ++annotations;
  EXPECT_EQ(annotations, 9u);
  EXPECT_THAT(text, HasSubstr("::notice title=oomcast::4 more"));
}

}  // namespace
}  // namespace oomcast::report
