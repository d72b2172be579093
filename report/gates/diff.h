// Compares two reports: which numbers are worse, which are better, and which code grew.
#pragma once

#include <string>
#include <vector>

#include "model/base/result.h"
#include "report/gates/finished_report.h"

namespace oomcast::report {

struct DiffRow {
  std::string key;  // key of the report, or "site FRAME"
  std::optional<double> before, after;
  bool judged = false;                 // a worse row makes the new report worse
  bool worse = false, better = false;  // by more than the threshold
};

struct Diff {
  std::vector<DiffRow> numbers;  // always the same keys in the same order
  std::vector<DiffRow>
      sites;           // sites that changed by more than the threshold of all resident memory, largest growth first
  bool worse = false;  // a judged row is worse
};

/// A number is worse if it grew by more than `threshold_percent`. A verdict is worse by its rank. A judged number is
/// also worse if only the new report lacks it.
Diff compare(const FinishedReport& before, const FinishedReport& after, double threshold_percent);

std::string diff_lines(const Diff& diff, bool color);
std::string diff_markdown(const Diff& diff);
std::string diff_json(const Diff& diff);  // oomcast.diff.v1

}  // namespace oomcast::report
