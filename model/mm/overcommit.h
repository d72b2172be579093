// Decides whether the program may have more address space. Overcommit, max_map_count, RLIMIT_AS and RLIMIT_DATA.
//
// Mirrors __vm_enough_memory() (mm/util.c), may_expand_vm() and the map count check of do_mmap() (mm/mmap.c);
// kernel-spec section 10.9. dup_mmap()'s part is in sim/apply_event.cc. Differs: what grows by mremap() or by a stack
// is not asked for here; shared memory counts as long as its maker maps it.
#pragma once

#include <optional>

#include "model/mm/kernel.h"
#include "model/mm/refusal.h"

namespace oomcast::mm {

/// nullopt if the request is granted; else what stands in its way.
/// vm_enough_memory is for what counts in Committed_AS; the others for every mapping. `data`: private and writable.
std::optional<Refusal> may_expand_vm(const host::Process& process, int64_t pages, bool data);
std::optional<Refusal> too_many_mappings(const Kernel& k, const host::Process& process, int64_t pages);
std::optional<Refusal> vm_enough_memory(const Kernel& k, const host::Process& process, int64_t pages);

}  // namespace oomcast::mm
