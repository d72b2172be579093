// What the program of a process makes of the capture library.
#pragma once

#include <cstdint>

namespace oomcast::record {

/// False: it is static, or would not start with the library. True where that cannot be read.
bool loads_library(uint32_t pid);

}  // namespace oomcast::record
