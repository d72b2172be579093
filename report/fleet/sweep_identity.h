// Tells sweeps apart by what their result depends on, so that parts of different ones are never merged.
#pragma once

#include <string>

#include "report/sweep.h"

namespace oomcast::report {

/// Of all parts: the recordings, the options, what is varied, the host (unless hosts are varied) and the version of
/// oomcast.
std::string sweep_identity(const SweepInput& input, const Combinations& combinations);

/// Of the hosts that a range names: what they hold now. A host that cannot be read counts with its error. The same for
/// all ranges if no host is varied.
std::string hosts_identity(const SweepInput& input, const Combinations& combinations, SweepRange range);

}  // namespace oomcast::report
