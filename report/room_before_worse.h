// Measures how far a run is from a worse verdict: what unseen memory is weighed against.
#pragma once

#include "model/sim/outcome.h"

namespace oomcast::report {

/// How much more memory the program could have used before the verdict would have been a worse one, by the timeline and the group's peak.
/// Coarse: what is reclaimed meanwhile is not foreseen.
Bytes room_before_worse(const sim::Outcome& outcome);

}  // namespace oomcast::report
