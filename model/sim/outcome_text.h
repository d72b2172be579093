// The parts of an Outcome that follow from the others: the verdict and the sums.
#pragma once

#include "model/host/host.h"
#include "model/sim/outcome.h"

namespace oomcast::sim {

Verdict verdict_of(const Incidents& incidents);
/// Fills Outcome::cgroup. Does nothing if the program has no cgroup.
void summarize_cgroup(const host::Host& host, Outcome& outcome);
/// Fills Outcome::app and Outcome::sites.
void summarize_app(const host::Host& host, Outcome& outcome);

}  // namespace oomcast::sim
