// Derives the parts of an Outcome that follow from the rest: the verdict, caveats, sums.
#pragma once

#include <string>
#include <vector>

#include "model/host/host.h"
#include "model/sim/outcome.h"

namespace oomcast::sim {

Verdict verdict_of(const Outcome& outcome);
/// What the model leaves out and why it may matter for this host and this run.
std::vector<std::string> caveats_of(const Outcome& outcome);
/// Fills cgroup.
void summarize_cgroup(const host::Host& host, Outcome& outcome);
/// Fills app and sites.
void summarize_app(const host::Host& host, Outcome& outcome);

}  // namespace oomcast::sim
