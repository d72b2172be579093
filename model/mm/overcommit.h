// Would the kernel let the program have this much address space? vm.overcommit_memory and max_map_count.
//
// Mirrors __vm_enough_memory() (mm/util.c) and the map count check of mmap(); kernel-spec section 10.9.
#pragma once

#include <optional>
#include <string>

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// nullopt if the request is granted; else why it is refused, in one sentence with the numbers.
std::optional<std::string> vm_enough_memory(const Kernel& k, const host::Process& process, int64_t pages);

}  // namespace oomcast::mm
