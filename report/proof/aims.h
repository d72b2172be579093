// Judges the forecast of a changed target: whether the suggestion reached its aim, and what it cost.
#pragma once

#include <optional>
#include <string>

#include "model/sim/outcome.h"
#include "model/trace/capture_summary.h"
#include "report/remedy.h"

namespace oomcast::report {

/// Whether the aim is reached on the changed target. Nothing if its verdict is withheld.
std::optional<bool> reached(Aim aim, const std::string& finding_id, const sim::Outcome& before,
                            const sim::Outcome& after, const trace::CaptureSummary& capture);

Effect effect_of(const sim::Outcome& outcome);
/// Growth of the sum of the high marks: memory that kswapd keeps free, and that nobody else can use.
Bytes held_back(const host::HostSpec& before, const host::HostSpec& after);
/// The processes that the OOM killer takes, each once, in order: "NAME (pid PID)".
std::vector<std::string> killed_names(const sim::Outcome& outcome);

}  // namespace oomcast::report
