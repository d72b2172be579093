// A budget file: limits that a CI job sets on the numbers of a report, in YAML.
//
//     schema: oomcast.budget.v1
//     budgets:
//       - key: app.footprint_peak_bytes
//         at_most: 400M
//       - key: margin_to_low_percent
//         at_least: 10
//         level: warn
//       - site: parse_config
//         at_most: 50M
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/base/result.h"

namespace oomcast::report {

enum class BudgetLevel { kOff, kWarn, kError };
const char* level_name(BudgetLevel level);  // "off", "warn", "error"

/// One limit. Either `key` or `site` is set, and `at_most`, `at_least` or both.
struct Budget {
  std::string key;                          // a key of the report, or a computed one: see value_of()
  std::string site;                         // part of a frame: the limit is on the sum over all sites that have it
  bool touched = false;                     // of a site: bytes touched instead of bytes resident at the peak
  std::optional<double> at_most, at_least;  // in the unit of the key
  BudgetLevel level = BudgetLevel::kError;
  int line = 0;  // in the budget file, from 1

  /// The name of the budget in every output.
  std::string name() const { return site.empty() ? key : "site " + site; }
};

/// Errors name the file and the line: not YAML, an unknown word, a bound that is no value of the key's unit.
Result<std::vector<Budget>> parse_budget(const std::string& text, const std::string& path);
Result<std::vector<Budget>> read_budget(const std::string& path);
/// The budgets as text that parse_budget() reads.
std::string budget_text(const std::vector<Budget>& budgets, const std::string& comment);

}  // namespace oomcast::report
