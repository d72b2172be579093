// Judges reports by a budget: by the median over the reports.
#include "report/gates/judge.h"

#include <algorithm>
#include <cmath>

#include "model/spec/parse_text.h"

namespace oomcast::report {
namespace {

constexpr double kSpreadFactor = 3, kLeastSlackShare = 0.05;
constexpr size_t kBaselineSites = 3;

struct BaselineKey {
  const char* key;
  bool more_is_worse;
  double least_slack;  // in the key's unit: two runs may always differ by this
  BudgetLevel level;
};
constexpr BaselineKey kBaselineKeys[] = {
    {"app.footprint_peak_bytes", true, 256 << 10, BudgetLevel::kError},
    {"stall_ns_total", true, 1e6, BudgetLevel::kError},
    {"counters.pswpout", true, 64, BudgetLevel::kError},
    {"margin_to_low_percent", false, 1, BudgetLevel::kError},
    {"app.touched_bytes", true, 256 << 10, BudgetLevel::kWarn},
};

std::optional<double> median_of(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string spread_text(const BudgetResult& result) {
  if (result.values.size() < 2) return "";
  auto [least, most] = std::minmax_element(result.values.begin(), result.values.end());
  const std::string name = result.budget.name();
  return " (median of " + std::to_string(result.values.size()) + " reports, " + value_text(name, *least) + " to " +
         value_text(name, *most) + ")";
}

Judgement broken_as(BudgetLevel level) { return level == BudgetLevel::kWarn ? Judgement::kWarned : Judgement::kBroken; }

void decide(BudgetResult& result) {
  const Budget& budget = result.budget;
  const std::string name = budget.name();
  if (budget.level == BudgetLevel::kOff) result.judgement = Judgement::kOff;
  if (!result.median) {
    result.why = "a report has no number here (null: not computed, or withheld)";
    if (result.judgement != Judgement::kOff) result.judgement = broken_as(budget.level);
    return;
  }
  bool above = budget.at_most && *result.median > *budget.at_most;
  bool below = budget.at_least && *result.median < *budget.at_least;
  result.why = value_text(name, *result.median) + spread_text(result);
  if (budget.at_most) result.why += (above ? ", above the " : ", at most ") + value_text(name, *budget.at_most);
  if (budget.at_least) result.why += (below ? ", below the " : ", at least ") + value_text(name, *budget.at_least);
  if ((above || below) && result.judgement != Judgement::kOff) result.judgement = broken_as(budget.level);
}

Budget baseline_budget(Budget budget, const std::vector<double>& values, bool more_is_worse, double least_slack) {
  auto [least, most] = std::minmax_element(values.begin(), values.end());
  double slack = std::max(
      {kSpreadFactor * (*most - *least), least_slack, kLeastSlackShare * std::abs(more_is_worse ? *most : *least)});
  if (more_is_worse)
    budget.at_most = std::ceil(*most + slack);
  else
    budget.at_least = std::floor(*least - slack);
  return budget;
}

/// The innermost frames of the three largest sites at the peak, for site budgets.
std::vector<std::string> biggest_sites(const FinishedReport& report) {
  std::vector<std::string> names;
  if (!report.document.contains("sites") || !report.document["sites"].is_array()) return names;
  for (const auto& site : report.document["sites"]) {
    if (!site.contains("stack") || site["stack"].empty() || !site["stack"].back().is_string()) continue;
    for (const auto& frame : site["stack"]) {
      std::string name = frame.get<std::string>();
      name = name.substr(0, name.find(" at "));
      // Frames that every allocation's stack has do not identify a site.
      if (name.find("alloc") != std::string::npos || name.starts_with("0x") || name.starts_with("seen")) continue;
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      break;
    }
    if (names.size() == kBaselineSites) break;
  }
  return names;
}

}  // namespace

Result<std::vector<BudgetResult>> judge(const std::vector<FinishedReport>& reports,
                                        const std::vector<Budget>& budgets) {
  std::vector<BudgetResult> results;
  for (const Budget& budget : budgets) {
    BudgetResult result{budget, {}, {}, Judgement::kKept, ""};
    for (const FinishedReport& report : reports) {
      if (!budget.site.empty()) {
        result.values.push_back(site_bytes(report, budget.site, budget.touched));
        continue;
      }
      ReportValue value = value_of(report, budget.key);
      if (!value.known_key)
        return Error{"line " + std::to_string(budget.line) + ": " + report.path + " has no number under " +
                     host::quote(budget.key) + "" + host::suggestion(budget.key, number_keys(report))};
      // All reports must have the number: the median of those that have it would look better than the runs were.
      if (!value.number) {
        result.values.clear();
        break;
      }
      result.values.push_back(*value.number);
    }
    result.median = median_of(result.values);
    decide(result);
    results.push_back(std::move(result));
  }
  return results;
}

int gate_status(const std::vector<BudgetResult>& results) {
  return std::any_of(results.begin(), results.end(),
                     [](const BudgetResult& one) { return one.judgement == Judgement::kBroken; })
             ? 1
             : 0;
}

std::vector<Budget> baseline(const std::vector<FinishedReport>& reports) {
  std::vector<Budget> budgets;
  const auto values_of = [&](const std::string& key) {
    std::vector<double> values;
    for (const FinishedReport& report : reports)
      if (auto number = value_of(report, key).number) values.push_back(*number);
    return values;
  };
  if (auto verdicts = values_of("verdict"); verdicts.size() == reports.size()) {
    Budget verdict;
    verdict.key = "verdict";
    verdict.at_most = *std::max_element(verdicts.begin(), verdicts.end());
    budgets.push_back(verdict);
  }
  for (const BaselineKey& one : kBaselineKeys) {
    auto values = values_of(one.key);
    if (values.size() != reports.size()) continue;
    Budget budget;
    budget.key = one.key;
    budget.level = one.level;
    budgets.push_back(baseline_budget(budget, values, one.more_is_worse, one.least_slack));
  }
  for (const std::string& site : biggest_sites(reports.front())) {
    std::vector<double> values;
    for (const FinishedReport& report : reports) values.push_back(site_bytes(report, site, false));
    Budget budget;
    budget.site = site;
    budget.level = BudgetLevel::kWarn;
    budgets.push_back(baseline_budget(budget, values, true, 256 << 10));
  }
  return budgets;
}

}  // namespace oomcast::report
