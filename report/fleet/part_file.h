// Writes and reads the result of a part of a sweep: lines of JSON, self-describing and exact.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/base/result.h"
#include "report/fleet/part.h"
#include "report/sweep.h"

namespace oomcast::report {

/// All that a part file holds.
struct PartContent {
  std::string sweep, hosts;  // sweep_identity(), hosts_identity()
  Part part;
  SweepRange range;
  std::vector<std::string> keys;  // what is varied
  std::vector<SweepRow> rows;     // of the range; on_the_edge is not kept: it takes all parts to know
};

/// A line that says whose rows these are, a line for each row, and a last line with a check of all before it.
std::string part_text(const PartContent& content);

/// Errors say what is wrong with the file, without its name: not such a file, cut off, damaged.
Result<PartContent> parse_part_file(std::string_view text);

}  // namespace oomcast::report
