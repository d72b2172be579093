// The file of one part of a sweep: lines of JSON, complete and exact.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/base/result.h"
#include "report/fleet/part.h"
#include "report/sweep.h"

namespace oomcast::report {

/// The content of a part file.
struct PartContent {
  std::string sweep, hosts;  // sweep_identity(), hosts_identity()
  Part part;
  SweepRange range;
  std::vector<std::string> keys;  // what is varied
  std::vector<SweepRow> rows;     // rows of the range, without on_the_edge: this depends on all parts
};

/// A heading line that names the sweep and the part, a line for each row, and a last line with a checksum of all
/// before.
std::string part_text(const PartContent& content);

/// Errors are clauses without the file's name: not a part file, cut off, damaged.
Result<PartContent> parse_part_file(std::string_view text);

}  // namespace oomcast::report
