// Says what is asked of a batch system: take these parts, and which of them you still have.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "model/base/result.h"

namespace oomcast::report {

struct QueuedParts {
  std::set<size_t> parts;   // that wait or run
  std::string waiting_for;  // in the engine's words, while none of them runs; empty: some do, or nothing is said
};

/// When and where parts run is the engine's business.
class PartQueue {
 public:
  virtual ~PartQueue() = default;
  virtual Result<void> submit(const std::vector<size_t>& parts) = 0;
  virtual Result<QueuedParts> queued() = 0;
};

}  // namespace oomcast::report
