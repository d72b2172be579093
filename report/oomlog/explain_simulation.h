// Checks an explanation by simulation: whether the model kills too, whom, and how much more memory would have helped.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/base/units.h"
#include "report/oomlog/explain.h"
#include "report/oomlog/oom_report.h"

namespace oomcast::oomlog {

/// What the simulation gave. Only `not_simulated` is set where there was none.
struct SimulatedKill {
  std::string not_simulated;  // a clause; empty: it was
  bool kills = false;
  bool same_victim = false;
  std::string victim;    // "redis-server (pid 71)"
  Bytes held, held_log;  // by the log's processes when the model kills, and by the log
  Bytes growth;          // what the victim is taken to have wanted beyond that
  struct Change {
    std::string words;  // "memory=2.3G (300.0 MiB more than now; ...)"
    std::string proof;  // "proven: fits"
    bool proven = false;
  };
  std::vector<Change> changes;
  /// The model says what the log says: it kills, the same victim, within a tenth of the memory.
  bool agrees() const;
};

struct SimulationBudget {
  double seconds = 10;
  std::function<bool()> interrupted;  // may be empty
};
SimulatedKill simulate_kill(const OomReport& report, const std::string& name, const SimulationBudget& budget);

/// The section of the explanation: what agrees, what does not, said plainly.
Section explain_simulation(const OomReport& report, const SimulatedKill& simulated);

}  // namespace oomcast::oomlog
