// Says in words what the simulation of a suggestion gave.
#pragma once

#include <string>

#include "report/findings.h"

namespace oomcast::report {

/// "memory.max=263M (7.0 MiB more than now; 258M is not enough: oom_kill)".
std::string found_words(const SearchedValue& search, int64_t value, const Proof& proof);

/// What stands behind a suggestion: "proven: direct_reclaim, waits 12 ms instead of 1.20 s; holds back 96.0 MiB",
/// "simulated: does not help, still oom_kill", "not simulated".
std::string proof_text(const Try& suggestion);

/// The suggestion that changes least of those that are proven: nobody dies for it, nothing more is swapped,
/// settings come before sizes, small sizes before large ones. Null: none is proven.
const Try* least_proven(const Findings& findings);

}  // namespace oomcast::report
