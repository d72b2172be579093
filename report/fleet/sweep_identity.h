// Identifies a sweep by everything that its result depends on, so that parts of different sweeps are never merged.
#pragma once

#include <string>

#include "report/sweep.h"

namespace oomcast::report {

/// The same for all parts: the recordings, the options, what is varied, the host (unless hosts are varied) and the
/// version of oomcast.
std::string sweep_identity(const SweepInput& input, const Combinations& combinations);

/// The content of the hosts that the range uses. A host that cannot be read counts with its error. The same for all
/// ranges if no host is varied.
std::string hosts_identity(const SweepInput& input, const Combinations& combinations, SweepRange range);

}  // namespace oomcast::report
