// The kernel's clocks that the recorder reads.
#pragma once

#include <cstdint>

namespace oomcast::record {

uint64_t monotonic_ns();
/// Of the calling thread.
uint64_t thread_cpu_ns();

}  // namespace oomcast::record
