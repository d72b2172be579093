// Gets all parts of a sweep done by an engine: submits the missing ones, waits, and submits lost ones again.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "report/fleet/part_queue.h"

namespace oomcast::report {

/// What the waiting uses; tests pass their own.
struct PartsWatch {
  std::function<std::vector<size_t>()> missing;              // parts without a file, ascending
  std::function<void(const std::vector<size_t>&)> progress;  // called with the missing parts each time they are listed
  std::function<void(double seconds)> pause;
  std::function<void(const std::string&)> say;  // shows a line to the user
};

/// Submits the parts that are missing and that the engine does not have. Returns their number.
Result<size_t> submit_missing(PartQueue& queue, const PartsWatch& watch);

/// Waits until no part is missing. A part without a file that the engine does not have is lost; it is submitted once
/// more. Returns the parts that were lost twice. Error: the engine has not answered for some minutes.
Result<std::vector<size_t>> wait_for_parts(PartQueue& queue, const PartsWatch& watch);

}  // namespace oomcast::report
