// Judges the forecast of a changed target: whether the suggestion did what it was made for, and what it cost.
#pragma once

#include <optional>
#include <string>

#include "model/sim/outcome.h"
#include "model/trace/capture_summary.h"
#include "report/remedy.h"

namespace oomcast::report {

/// Whether the aim is reached on the changed target. Nothing where its verdict is withheld.
std::optional<bool> reached(Aim aim, const std::string& finding_id, const sim::Outcome& before,
                            const sim::Outcome& after, const trace::CaptureSummary& capture);

Effect effect_of(const sim::Outcome& outcome);
/// By how much the sum of the high marks grew: what kswapd keeps free, and what nobody else has then.
Bytes held_back(const host::HostSpec& before, const host::HostSpec& after);
/// Everybody that the OOM killer takes, each once, in order.
std::vector<std::string> killed_names(const sim::Outcome& outcome);

}  // namespace oomcast::report
