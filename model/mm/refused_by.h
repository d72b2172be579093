// Names what stood in the way of a mapping that the kernel refused. Each has another cure.
#pragma once

#include <cstdint>

namespace oomcast::mm {

enum class RefusedBy : uint8_t { kOvercommit, kRlimit, kMapCount, kFork };  // kFork: overcommit, asked by fork()

}  // namespace oomcast::mm
