// Finds a moment of a report by name or by time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/base/result.h"
#include "report/gates/finished_report.h"

namespace oomcast::report {

/// A moment, and what the report has about it. Pointers point into the report; null: the report does not have it.
struct ShownMoment {
  std::string name;  // "oom_kill", "peak", "12.5 s"
  double t_s = 0;
  const nlohmann::json* state = nullptr;     // an entry of `moments`
  const nlohmann::json* incident = nullptr;  // an entry of `first`
  const nlohmann::json* kill = nullptr;      // an entry of `oom_kills`
  std::optional<size_t> row;                 // row of the timeline: the last one at or before t_s
};

/// `at`: "start", "end", "peak", a key of `first`, "oom_kill:2" (the second kill), or a time ("12.5", "12.5s",
/// "900ms"). Empty: the incident that decided the verdict, or the end. Errors list the moments that the report has.
Result<ShownMoment> find_moment(const FinishedReport& report, const std::string& at);

/// "start (0 s), kswapd_wake (8.204 s), end (12.4 s)".
std::string moments_text(const FinishedReport& report);

}  // namespace oomcast::report
