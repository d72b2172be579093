// Tells whether a running process's program loads the library.
#pragma once

#include <cstdint>

namespace oomcast::record {

/// False: the program is static, or would not start with the library. True also if its file cannot be read.
bool loads_library(uint32_t pid);

}  // namespace oomcast::record
