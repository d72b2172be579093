// Prints the results of a gate for people and for CI systems.
#pragma once

#include <string>
#include <vector>

#include "report/gates/judge.h"

namespace oomcast::report {

/// One line per budget, the broken ones marked; colour only if asked.
std::string gate_lines(const std::vector<BudgetResult>& results, bool color);
/// JUnit XML: one testcase per budget. Warnings are system-out of a passed case.
std::string gate_junit(const std::vector<BudgetResult>& results, const std::string& suite);
/// GitHub workflow commands, at most 10 annotations: errors first. The rest is named in a last line.
std::string gate_github(const std::vector<BudgetResult>& results);
/// A table, as GitHub's step summary and GitLab's notes take it.
std::string gate_markdown(const std::vector<BudgetResult>& results);
/// `oomcast.check.v1`.
std::string gate_json(const std::vector<BudgetResult>& results);

}  // namespace oomcast::report
