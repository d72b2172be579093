// Compares two reports: what got worse, what got better, and which code grew.
#pragma once

#include <string>
#include <vector>

#include "model/base/result.h"
#include "report/gates/finished_report.h"

namespace oomcast::report {

struct DiffRow {
  std::string key;  // or "site FRAME"
  std::optional<double> before, after;
  bool judged = false;                 // this row decides whether the new report is worse
  bool worse = false, better = false;  // by more than the threshold
};

struct Diff {
  std::vector<DiffRow> numbers;  // always the same keys, in the same order
  std::vector<DiffRow> sites;    // that changed by more than the threshold of all resident memory, most grown first
  bool worse = false;            // a judged row is
};

/// `threshold_percent`: a number that grew by less is not worse. A verdict is worse by its rank alone; a number that
/// only the new report withholds is worse.
Diff compare(const FinishedReport& before, const FinishedReport& after, double threshold_percent);

std::string diff_lines(const Diff& diff, bool color);
std::string diff_markdown(const Diff& diff);
std::string diff_json(const Diff& diff);  // oomcast.diff.v1

}  // namespace oomcast::report
