// Prints the results of a gate for users and for CI systems.
#pragma once

#include <string>
#include <vector>

#include "report/gates/judge.h"

namespace oomcast::report {

/// One line per budget, with the broken ones marked.
std::string gate_lines(const std::vector<BudgetResult>& results, bool color);
/// JUnit XML: one testcase per budget. A warning is system-out of a passed testcase.
std::string gate_junit(const std::vector<BudgetResult>& results, const std::string& suite);
/// GitHub workflow commands: at most 10 annotations, errors first. The last one counts those left out.
std::string gate_github(const std::vector<BudgetResult>& results);
/// A table for GitHub's step summary and GitLab's notes.
std::string gate_markdown(const std::vector<BudgetResult>& results);
/// `oomcast.check.v1`.
std::string gate_json(const std::vector<BudgetResult>& results);

}  // namespace oomcast::report
