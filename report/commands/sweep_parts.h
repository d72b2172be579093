// A sweep in parts: runs one, has an engine run all, merges what is there.
#pragma once

#include <vector>

#include "report/command_line.h"
#include "report/sweep.h"

namespace oomcast::report {

struct PartsEnd {
  int status = 0;             // of the command; what went wrong has been said
  bool has_all_rows = false;  // the rows of the whole sweep are there, to be shown
};

/// Forecasts the rows of a range on this machine, with a line of progress.
Result<std::vector<SweepRow>> rows_made_here(const SweepInput& input, const Combinations& combinations,
                                             SweepRange range, const CommandLine& line);

/// `rows` are those of all combinations, not yet concluded, if the result says that they are there.
PartsEnd sweep_parts(const SweepInput& input, const Combinations& combinations, const CommandLine& line,
                     std::vector<SweepRow>& rows);

}  // namespace oomcast::report
