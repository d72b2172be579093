// A sweep in parts: runs one part, lets an engine run all, or merges the parts.
#pragma once

#include <vector>

#include "report/command_line.h"
#include "report/sweep.h"

namespace oomcast::report {

struct PartsEnd {
  int status = 0;             // exit status; errors are printed already
  bool has_all_rows = false;  // `rows` has the whole sweep, ready to be shown
};

/// Forecasts the rows of a range on this machine, and shows the progress.
Result<std::vector<SweepRow>> rows_made_here(const SweepInput& input, const Combinations& combinations,
                                             SweepRange range, const CommandLine& line);

/// If has_all_rows is true, `rows` has the rows of all combinations; conclude_rows() is still to be called.
PartsEnd sweep_parts(const SweepInput& input, const Combinations& combinations, const CommandLine& line,
                     std::vector<SweepRow>& rows);

}  // namespace oomcast::report
