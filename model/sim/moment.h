// Takes down the state of the modelled kernel at one moment, as /proc would show it then.
#pragma once

#include <string>

#include "model/host/host.h"
#include "model/sim/outcome.h"

namespace oomcast::sim {

GroupState group_state(const host::Cgroup& group);

/// Everything but the pressure lines, which the timeline keeps.
Moment moment_of(std::string name, Nanoseconds now, const host::Host& host);

/// How many OOM kills are taken down in full: "oom_kill", "oom_kill:2", ...
inline constexpr size_t kMomentsOfKills = 4;

}  // namespace oomcast::sim
