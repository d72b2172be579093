// Simulates what the findings suggest, on the recording of the run, and searches for the smallest value that is enough.
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
  host::HostSpec host;      // of the forecast, all changes applied
  RunOptions options;       // with the recorded target_words
  ReplaySettings settings;  // of the forecast
  bool live = false;        // the forecast came from the program itself: a replay has to say the same first
};

struct ProveSettings {
  double budget_s = 0;                                                   // wall clock
  int jobs = 0;                                                          // simulations at a time; 0: one per CPU
  std::function<void(int done, int all, double seconds_left)> progress;  // from one thread at a time; may be empty
  std::function<bool()> interrupted;                                     // somebody does not want to wait; may be empty
};

/// Fills in `proven`, `verdict_after` and `proof` of all suggestions that can be simulated, worst finding first. What
/// is left out says why in `not_simulated`.
ProofSummary prove(const Recorded& recorded, const sim::Outcome& forecast, const ProveSettings& settings,
                   Findings& findings);

/// The same without a simulation: `why` not.
ProofSummary leave_unproven(Findings& findings, const std::string& why);

/// Whether there is anything that prove() would simulate.
bool can_prove(const Findings& findings);

}  // namespace oomcast::report
