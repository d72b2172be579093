// Records the state of the modelled kernel at one moment, as /proc would show it.
#pragma once

#include <string>

#include "model/host/host.h"
#include "model/sim/outcome.h"

namespace oomcast::sim {

GroupState group_state(const host::Cgroup& group);

/// Everything but the pressure lines, which Timeline adds.
Moment moment_of(std::string name, Nanoseconds now, const host::Host& host);

/// OOM kills whose moments are recorded: "oom_kill", "oom_kill:2", ...
inline constexpr size_t kMomentsOfKills = 4;

}  // namespace oomcast::sim
