// Checks an explanation by simulation: whether the model kills, too, which process, and how much more memory would
// help.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/base/units.h"
#include "report/oomlog/explain.h"
#include "report/oomlog/oom_report.h"

namespace oomcast::oomlog {

/// The result of the simulation. If there was none, only `not_simulated` is set.
struct SimulatedKill {
  std::string not_simulated;  // why not, as a clause; empty: it was simulated
  bool kills = false;
  bool same_victim = false;
  std::string victim;    // the model's victim: "redis-server (pid 71)"
  Bytes held, held_log;  // memory of the log's processes at the kill: in the model, and by the log
  Bytes growth;          // assumed: what the victim would have gone on to take
  struct Change {
    std::string words;  // "memory=2.3G (300.0 MiB more than now; ...)"
    std::string proof;  // "proven: fits"
    bool proven = false;
  };
  std::vector<Change> changes;
  /// The model agrees with the log: it kills the same victim, and the memory differs by less than a tenth.
  bool agrees() const;
};

struct SimulationBudget {
  double seconds = 10;
  std::function<bool()> interrupted;  // may be empty
};
SimulatedKill simulate_kill(const OomReport& report, const std::string& name, const SimulationBudget& budget);

/// The section of the explanation: what agrees with the log, and what does not.
Section explain_simulation(const OomReport& report, const SimulatedKill& simulated);

}  // namespace oomcast::oomlog
