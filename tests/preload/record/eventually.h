// Waits for what another process is about to do: as long as a busy machine may take, and not for ever.
#pragma once

#include <unistd.h>

#include <chrono>

namespace oomcast::record {

/// Returns false if the condition has not come true within a minute.
template <class Predicate>
bool eventually(Predicate is_true) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!is_true()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::usleep(1000);
  }
  return true;
}

}  // namespace oomcast::record
