// The verbs `check` and `diff`: read finished reports and give a verdict for a CI job.
#pragma once

#include <string>
#include <vector>

namespace oomcast::report {

struct GateOptions {
  std::vector<std::string> reports;  // check: one or more; diff: OLD and NEW
  std::string budget;                // check: the budget file; empty if a baseline is written
  std::string write_baseline;        // check: file for a budget made from the reports; empty: none
  std::string as = "text";           // check: text, junit, github, markdown, json; diff: text, markdown, json
  std::string output;                // empty: stdout
  double threshold_percent = 5;      // diff
  std::string html;                  // diff: file for an HTML page; empty: none
};

struct Verb;
extern const Verb kCheckVerb, kDiffVerb;

}  // namespace oomcast::report
