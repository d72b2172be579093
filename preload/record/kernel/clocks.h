// The kernel's clocks that the recorder reads.
#pragma once

#include <cstdint>

namespace oomcast::record {

uint64_t monotonic_ns();
/// CPU time of the calling thread.
uint64_t thread_cpu_ns();

/// The same clocks through an object, so that a test can let time pass.
class Clocks {
 public:
  virtual ~Clocks() = default;
  virtual uint64_t now_ns() const { return monotonic_ns(); }
  /// CPU time of the calling thread.
  virtual uint64_t cpu_ns() const { return thread_cpu_ns(); }
};

}  // namespace oomcast::record
