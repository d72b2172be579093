// HelloPatience: how long a program that loads the library may take to say hello, before it is held from outside.
#pragma once

#include <cstdint>

namespace oomcast::record {

/// Counts the program's CPU time, because on a busy machine loading node takes half a second of wall time.
class HelloPatience {
 public:
  static constexpr uint64_t kCpuNs = 150'000'000;
  static constexpr uint64_t kMostNs = 5'000'000'000;  // wall time, for a program that sleeps without a hello

  /// True while the program may still say hello. `program_ns`: when the program (the last exec) was seen to begin.
  /// `cpu_ns`: CPU time of its process so far.
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
