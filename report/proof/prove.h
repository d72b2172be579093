// Simulates the suggestions of the findings on the recording of the run, and searches the smallest value that is
// enough.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "report/command_line.h"
#include "report/findings.h"
#include "report/replay.h"

namespace oomcast::report {

/// The run whose findings are to be proven.
struct Recorded {
  Workload workload;
  host::HostSpec host;      // of the forecast, with all changes applied
  RunOptions options;       // with the recorded target_words
  ReplaySettings settings;  // of the forecast
  bool live = false;        // the forecast was live: a replay has to give the same result first
};

struct ProveSettings {
  double budget_s = 0;                                                   // seconds of wall clock
  int jobs = 0;                                                          // simulations at a time; 0: one per CPU
  std::function<void(int done, int all, double seconds_left)> progress;  // called by one thread at a time; may be empty
  std::function<bool()> interrupted;  // true: the user does not want to wait; may be empty
};

/// Fills in `proven`, `verdict_after` and `proof` of all suggestions that can be simulated, the worst finding first.
/// The others get the reason in `not_simulated`.
ProofSummary prove(const Recorded& recorded, const sim::Outcome& forecast, const ProveSettings& settings,
                   Findings& findings);

/// Marks all suggestions as not simulated, with the reason `why`.
ProofSummary leave_unproven(Findings& findings, const std::string& why);

/// Whether prove() would simulate any suggestion.
bool can_prove(const Findings& findings);

}  // namespace oomcast::report
