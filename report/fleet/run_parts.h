// Sees to it that all parts of a sweep get done by an engine: submits what is missing, waits, submits again what was
// lost.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "report/fleet/part_queue.h"

namespace oomcast::report {

/// What the waiting rests on; a test hands in its own.
struct PartsWatch {
  std::function<std::vector<size_t>()> missing;              // parts without a file, ascending
  std::function<void(const std::vector<size_t>&)> progress;  // told what is missing, each time it is looked
  std::function<void(double seconds)> pause;
  std::function<void(const std::string&)> say;  // a line for the user
};

/// Submits the parts that are missing and that the engine does not have. Gives how many.
Result<size_t> submit_missing(PartQueue& queue, const PartsWatch& watch);

/// Waits until no part is missing. A part that the engine no longer has and that has no file is lost: it is submitted
/// once more. Gives the parts that were lost twice; an error if the engine does not answer for some minutes.
Result<std::vector<size_t>> wait_for_parts(PartQueue& queue, const PartsWatch& watch);

}  // namespace oomcast::report
