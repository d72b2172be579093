// Judges reports by a budget.
#pragma once

#include <string>
#include <vector>

#include "model/base/result.h"
#include "report/gates/budget.h"
#include "report/gates/finished_report.h"

namespace oomcast::report {

enum class Judgement { kKept, kWarned, kBroken, kOff };

/// The result of one budget over all reports.
struct BudgetResult {
  Budget budget;
  std::vector<double> values;  // one per report, in order; empty if any report lacks the number
  // of an even count the upper of the two middle values; absent: a report lacks the number
  std::optional<double> median;
  Judgement judgement = Judgement::kKept;
  std::string why;  // one sentence: the value, the bound, the spread
};

/// If a report lacks the number (null: not computed or withheld), the budget is broken: a gate must not turn green
/// because nothing was seen. Error: a report does not have the key at all. REQUIRES: at least one report.
Result<std::vector<BudgetResult>> judge(const std::vector<FinishedReport>& reports, const std::vector<Budget>& budgets);

/// Exit status: 1 if a budget is broken, else 0. Warnings do not count.
int gate_status(const std::vector<BudgetResult>& results);

/// Budgets that these reports keep, with slack: three times the spread of the reports, at least 5 % of the value.
/// REQUIRES: at least one report.
std::vector<Budget> baseline(const std::vector<FinishedReport>& reports);

}  // namespace oomcast::report
