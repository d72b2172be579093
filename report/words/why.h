// Words for what the modelled kernel did: one sentence for each cause, with the numbers that it rests on.
//
// The model gives a cause and numbers (model/sim/incident.h); the sentences of the report stand here and nowhere else.
// They begin in lower case and have no full stop, so that others can be made of them.
#pragma once

#include <string>
#include <vector>

#include "model/sim/outcome.h"

namespace oomcast::report {

/// Why it happened. Of a kill: the other function says more, as it knows the victim.
std::string why_text(const sim::Incident& incident);
std::string why_text(const sim::OomKill& kill);
/// Why outcome.oom_kill happened; "" if nobody was killed.
std::string why_first_kill_text(const sim::Outcome& outcome);
/// Why the program's world is no longer the target's; "" if it is.
std::string diverged_text(const sim::Outcome& outcome);
/// Why nothing on the host goes on; "" if it does.
std::string halted_text(const sim::Outcome& outcome);
/// Caveats of the model itself: what the program did that it has no numbers for, and its own mistakes.
std::vector<std::string> model_caveats(const sim::Outcome& outcome);

}  // namespace oomcast::report
