// Words for the result of a suggestion's simulation.
#pragma once

#include <string>

#include "report/findings.h"

namespace oomcast::report {

/// "memory.max=263M (7.0 MiB more than now; 258M is not enough: oom_kill)".
std::string found_words(const SearchedValue& search, int64_t value, const Proof& proof);

/// The result in words: "proven: direct_reclaim; waits 12 ms instead of 1.20 s; holds back 96.0 MiB", "simulated: does
/// not help, oom_kill", "not simulated".
std::string proof_text(const Try& suggestion);

/// The proven suggestion that changes least: no process dies for it, nothing more is swapped out, settings come before
/// sizes, small sizes before large ones. Only of the worst finding that has one. Null: none is proven.
const Try* least_proven(const Findings& findings);

}  // namespace oomcast::report
