// Derives the parts of an Outcome that follow from the rest: the verdict and the sums.
#pragma once

#include "model/host/host.h"
#include "model/sim/outcome.h"

namespace oomcast::sim {

Verdict verdict_of(const Incidents& incidents);
/// Fills cgroup.
void summarize_cgroup(const host::Host& host, Outcome& outcome);
/// Fills app and sites.
void summarize_app(const host::Host& host, Outcome& outcome);

}  // namespace oomcast::sim
