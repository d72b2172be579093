// Decides whether a process may have more address space: overcommit, max_map_count, RLIMIT_AS and RLIMIT_DATA.
//
// Mirrors __vm_enough_memory() (mm/util.c), may_expand_vm() and the map count check of do_mmap() (mm/mmap.c);
// kernel-spec section 10.9. The checks of dup_mmap() are in sim/apply_event.cc. Differs: growth by mremap() or of a
// stack is not checked, and shared memory counts while the process that made it maps it.
#pragma once

#include <optional>

#include "model/mm/kernel.h"
#include "model/mm/refusal.h"

namespace oomcast::mm {

/// Each returns nullopt if `pages` more are granted, else the limit that forbids them. vm_enough_memory() is for memory
/// that counts in Committed_AS, the other two for every mapping. `data`: private and writable.
std::optional<Refusal> may_expand_vm(const host::Process& process, int64_t pages, bool data);
std::optional<Refusal> too_many_mappings(const Kernel& k, const host::Process& process, int64_t pages);
std::optional<Refusal> vm_enough_memory(const Kernel& k, const host::Process& process, int64_t pages);

}  // namespace oomcast::mm
