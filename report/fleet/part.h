// Divides a sweep into parts, and names them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "model/base/result.h"
#include "report/sweep.h"

namespace oomcast::report {

/// The `number`-th of `parts`, counted from 1.
struct Part {
  size_t number = 1, parts = 1;
};

/// "3/10". Errors say what is wrong and how it is written.
Result<Part> parse_part(const std::string& text);

/// What of `combinations` is the part's: neighbours, and never none. REQUIRES: parts <= combinations.
SweepRange range_of(const Part& part, size_t combinations);

/// So that a part takes some ten hosts, and no engine is asked for more than a thousand tasks (Slurm's MaxArraySize).
size_t default_parts(size_t combinations);

/// "1,3-5": the numbers as sbatch --array and people take them. REQUIRES: ascending.
std::string numbers_text(const std::vector<size_t>& numbers);

}  // namespace oomcast::report
