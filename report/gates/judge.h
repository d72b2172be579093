// Judges reports by a budget: values in, results out.
#pragma once

#include <string>
#include <vector>

#include "model/base/result.h"
#include "report/gates/budget.h"
#include "report/gates/finished_report.h"

namespace oomcast::report {

enum class Judgement { kKept, kWarned, kBroken, kOff };

/// One budget's result over all reports.
struct BudgetResult {
  Budget budget;
  std::vector<double> values;    // one per report that has a number, in the order of the reports
  std::optional<double> median;  // the upper of the two middle ones of an even number; absent: no report has a number
  Judgement judgement = Judgement::kKept;
  std::string why;  // one sentence: the value, the bound, the spread
};

/// A number that no report has (null: not computed or withheld) breaks its budget: a gate must not turn green because
/// nothing was seen. Errors: a key that is not in a report. REQUIRES: at least one report.
Result<std::vector<BudgetResult>> judge(const std::vector<FinishedReport>& reports, const std::vector<Budget>& budgets);

/// 0 when nothing is broken, 1 otherwise. Warnings do not count.
int gate_status(const std::vector<BudgetResult>& results);

/// Budgets that these reports keep, with slack: three times the spread of the reports, and at least 5 % of the value.
std::vector<Budget> baseline(const std::vector<FinishedReport>& reports);

}  // namespace oomcast::report
