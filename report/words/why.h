// Sentences about what the modelled kernel did: one per cause, with the numbers that it rests on.
//
// The model gives a cause and numbers (model/sim/incident.h); only this file turns them into sentences. A sentence
// begins in lower case and has no full stop, so that others can be made of it.
#pragma once

#include <string>
#include <vector>

#include "model/sim/outcome.h"

namespace oomcast::report {

/// Why the incident happened. For a kill use the second function: it knows the victim.
std::string why_text(const sim::Incident& incident);
std::string why_text(const sim::OomKill& kill);
/// The name of the pod's service, or "the program".
std::string pod_of(const sim::EvictionCandidate& candidate);
/// "The kubelet evicts db at 3.00 s, and 2 others later"; "" without an eviction.
std::string eviction_text(const sim::Outcome& outcome);
/// Why outcome.oom_kill happened; "" without a kill.
std::string why_first_kill_text(const sim::Outcome& outcome);
/// Why the target would have shown the program something else from some moment on (Outcome::diverged); "" if not.
std::string diverged_text(const sim::Outcome& outcome);
/// Why the run was halted; "" if it was not.
std::string halted_text(const sim::Outcome& outcome);
/// Caveats of the model itself: stacks and pages that it could not number and left out, and faults that the auditor
/// found.
std::vector<std::string> model_caveats(const sim::Outcome& outcome);

}  // namespace oomcast::report
