// How long a program that loads the library is given to say hello, before it counts as one that does not.
#pragma once

#include <cstdint>

namespace oomcast::record {

/// Counts the program's CPU time rather than time as such: on a busy machine node is loaded for half a second.
class HelloPatience {
 public:
  static constexpr uint64_t kCpuNs = 150'000'000;
  static constexpr uint64_t kMostNs = 5'000'000'000;  // for one that sleeps, and will never say hello

  /// `program_ns`: when the program was seen to begin, which exec does anew. `cpu_ns`: of its process so far.
  bool lasts(uint64_t program_ns, uint64_t now_ns, uint64_t cpu_ns) {
    if (program_ns != program_ns_) {
      program_ns_ = program_ns;
      began_cpu_ns_ = cpu_ns;
    }
    return now_ns - program_ns < kMostNs && cpu_ns - began_cpu_ns_ < kCpuNs;
  }

 private:
  uint64_t program_ns_ = 0, began_cpu_ns_ = 0;
};

}  // namespace oomcast::record
