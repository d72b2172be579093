// The verbs `check` and `diff`: finished reports in, a verdict for a CI job out.
#pragma once

#include <string>
#include <vector>

namespace oomcast::report {

struct GateOptions {
  std::vector<std::string> reports;  // check: one or more; diff: OLD and NEW
  std::string budget;                // check: the budget file; empty when a baseline is written
  std::string write_baseline;        // check: where a budget made from the reports goes; empty: none
  std::string as = "text";           // check: text, junit, github, markdown, json; diff: text, markdown, json
  std::string output;                // empty: stdout
  double threshold_percent = 5;      // diff
  std::string html;                  // diff: where a page goes; empty: none
};

/// 0: every budget is kept (warnings allowed); 1: one is broken; 2: bad input, and nothing is written.
int check_command(const GateOptions& options);
/// 0: the new report is not worse; 1: worse by more than the threshold; 2: bad input.
int diff_command(const GateOptions& options);

}  // namespace oomcast::report
