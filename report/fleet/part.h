// Divides a sweep into parts.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "model/base/result.h"
#include "report/sweep.h"

namespace oomcast::report {

/// Part number `number` of `parts`, from 1.
struct Part {
  size_t number = 1, parts = 1;
};

/// Parses "3/10". Errors say what is wrong, and the form.
Result<Part> parse_part(const std::string& text);

/// The part's combinations: adjacent, at least one. REQUIRES: parts <= combinations.
SweepRange range_of(const Part& part, size_t combinations);

/// Parts of about ten combinations each, at most 1000 (Slurm's default MaxArraySize).
size_t default_parts(size_t combinations);

/// "1,3-5": the form of sbatch --array. REQUIRES: ascending.
std::string numbers_text(const std::vector<size_t>& numbers);

}  // namespace oomcast::report
