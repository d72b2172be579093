// Tests that budget files are read, written, and refused with the line of the mistake.
#include "report/gates/budget.h"

#include <gmock/gmock.h>

namespace oomcast::report {
namespace {

using testing::HasSubstr;
using testing::Optional;
using testing::SizeIs;

constexpr const char* kHead = "schema: oomcast.budget.v1\nbudgets:\n";

std::string error_of(const std::string& text) {
  auto budgets = parse_budget(text, "b.yaml");
  return budgets ? "accepted" : budgets.error().message;
}

TEST(Budget, ABoundHasTheUnitOfItsKey) {
  auto budgets = parse_budget(
      std::string(kHead) + "  - key: app.footprint_peak_bytes\n    at_most: 400M\n    level: warn\n", "b.yaml");
  ASSERT_TRUE(budgets.ok()) << budgets.error().message;
  ASSERT_THAT(budgets.value(), SizeIs(1));
  EXPECT_THAT(budgets->front().at_most, Optional(400.0 * 1048576));
  EXPECT_EQ(budgets->front().level, BudgetLevel::kWarn);
  EXPECT_EQ(budgets->front().line, 3);
}

TEST(Budget, WhatIsWrittenIsReadBack) {
  Budget verdict, site;
  verdict.key = "verdict";
  verdict.at_most = 1;
  site.site = "parse \"config\": # <int>";
  site.at_most = 123456789;
  site.at_least = -5;
  site.level = BudgetLevel::kOff;
  auto again = parse_budget(budget_text({verdict, site}, "Made by a test."), "b.yaml");
  ASSERT_TRUE(again.ok()) << again.error().message;
  ASSERT_THAT(again.value(), SizeIs(2));
  EXPECT_THAT(again.value()[0].at_most, Optional(1.0));
  EXPECT_EQ(again.value()[1].site, site.site);
  EXPECT_THAT(again.value()[1].at_most, Optional(123456789.0));
  EXPECT_THAT(again.value()[1].at_least, Optional(-5.0));
  EXPECT_EQ(again.value()[1].level, BudgetLevel::kOff);
}

TEST(Budget, MistakesAreNamedWithTheirLine) {
  EXPECT_THAT(error_of("a: ["), HasSubstr("b.yaml:1: not YAML"));
  EXPECT_THAT(error_of("budgets: []"), HasSubstr("schema: oomcast.budget.v1"));
  EXPECT_THAT(error_of("schema: other"), HasSubstr("'other' is not known"));
  EXPECT_THAT(error_of("schema: oomcast.budget.v1"), HasSubstr("'budgets'"));
  EXPECT_THAT(error_of(std::string(kHead) + "  - kye: a\n"),
              HasSubstr("b.yaml:3: no word 'kye' in a budget; did you mean 'key'?"));
  EXPECT_THAT(error_of(std::string(kHead) + "  - key: forecast_s\n"), HasSubstr("needs 'at_most' or 'at_least'"));
  EXPECT_THAT(error_of(std::string(kHead) + "  - at_most: 1\n"), HasSubstr("either 'key'"));
  EXPECT_THAT(error_of(std::string(kHead) + "  - key: forecast_s\n    at_most: 4 apples\n"),
              HasSubstr("b.yaml:4: at_most: '4 apples'"));
  EXPECT_THAT(error_of(std::string(kHead) + "  - key: forecast_s\n    at_most: [1]\n"), HasSubstr("single value"));
  EXPECT_THAT(error_of(std::string(kHead) + "  - key: forecast_s\n    at_most: 1\n    at_most: 2\n"),
              HasSubstr("given twice"));
  EXPECT_THAT(error_of(std::string(kHead) + "  - key: forecast_s\n    at_most: 1\n    level: loud\n"),
              HasSubstr("off, warn, error"));
  EXPECT_THAT(error_of(std::string(kHead) + "  - forecast_s\n"), HasSubstr("b.yaml:3"));
  EXPECT_THAT(error_of(""), HasSubstr("b.yaml:1"));
}

TEST(Budget, NothingIsSilentlyLeftOut) {
  const std::string entry = "  - key: verdict\n    at_most: fits\n";
  EXPECT_THAT(error_of(kHead + entry + "budgets:\n" + entry), HasSubstr("b.yaml:5: 'budgets' is given twice"));
  EXPECT_THAT(error_of(kHead + entry + "---\nmore: 1\n"), HasSubstr("b.yaml:6: a second YAML document"));
  EXPECT_THAT(error_of(std::string(kHead) + "  - site: main\n    at_most: 1M\n    touched: yess\n"),
              HasSubstr("b.yaml:5: touched: 'yess'"));
  EXPECT_THAT(error_of(kHead + entry + "    touched: true\n"), HasSubstr("goes with 'site'"));
  EXPECT_THAT(error_of(std::string(kHead) + "  - key: forecast_s\n    at_most: 1s\n    at_least: 2s\n"),
              HasSubstr("no number can keep both"));
}

TEST(Budget, AFileThatIsNoYamlIsRefusedHoweverDeepItIs) {
  EXPECT_THAT(error_of(std::string(200000, '[')), HasSubstr("not YAML"));
  EXPECT_THAT(error_of(""), HasSubstr("the first line has to be"));
}

}  // namespace
}  // namespace oomcast::report
