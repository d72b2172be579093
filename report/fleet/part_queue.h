// What the sweep asks of a batch system: to run these parts, and which parts it still has.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "model/base/result.h"

namespace oomcast::report {

struct QueuedParts {
  std::set<size_t> parts;   // parts that wait or run
  std::string waiting_for;  // the engine's reason while no part runs; empty: a part runs, or no reason is given
};

/// When and where a part runs is decided by the engine.
class PartQueue {
 public:
  virtual ~PartQueue() = default;
  /// Error: the engine refused them.
  virtual Result<void> submit(const std::vector<size_t>& parts) = 0;
  /// Error: the engine did not answer.
  virtual Result<QueuedParts> queued() = 0;
};

}  // namespace oomcast::report
