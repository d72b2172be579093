// Words for what happened to services: which died first, which waited longest, and a line for each.
#pragma once

#include <string>

#include "model/sim/outcome.h"

namespace oomcast::report {

/// Null if none was killed, or none waited.
const sim::ServiceOutcome* first_killed(const sim::Outcome& outcome);
const sim::ServiceOutcome* longest_stalled(const sim::Outcome& outcome);

/// "python3 (pid 10000431) at 3.20 s; the service held 120.0 MiB at most". REQUIRES: service.killed_at.
std::string killed_text(const sim::ServiceOutcome& service);

/// A line of the summary, without the service's name.
std::string service_text(const sim::ServiceOutcome& service);

}  // namespace oomcast::report
