// Says in words what became of services: who died first, who waited, a line for each.
#pragma once

#include <string>

#include "model/sim/outcome.h"

namespace oomcast::report {

/// Null: none was killed, none waited.
const sim::ServiceOutcome* first_killed(const sim::Outcome& outcome);
const sim::ServiceOutcome* longest_stalled(const sim::Outcome& outcome);

/// "python3 (pid 10000431) at 3.20 s, when the service had held 120 MiB at most". REQUIRES: it was killed.
std::string killed_text(const sim::ServiceOutcome& service);

/// One line of the summary, without the name.
std::string service_text(const sim::ServiceOutcome& service);

}  // namespace oomcast::report
