// Decides whether the program may have more address space. Overcommit, max_map_count, RLIMIT_AS and RLIMIT_DATA.
//
// Mirrors __vm_enough_memory() (mm/util.c), may_expand_vm() and the map count check of do_mmap() (mm/mmap.c);
// kernel-spec section 10.9. dup_mmap()'s part is in sim/event_handler.cc. Differs: what grows by mremap() or by a stack
// is not asked for here; shared memory counts as long as its maker maps it.
#pragma once

#include <optional>
#include <string>

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// nullopt if the request is granted; else why it is refused, in one sentence with the numbers.
/// vm_enough_memory is for what counts in Committed_AS; the others for every mapping. `data`: private and writable.
std::optional<std::string> may_expand_vm(const host::Process& process, int64_t pages, bool data);
std::optional<std::string> too_many_mappings(const Kernel& k, const host::Process& process);
std::optional<std::string> vm_enough_memory(const Kernel& k, const host::Process& process, int64_t pages);

}  // namespace oomcast::mm
