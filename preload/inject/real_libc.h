// Finds the functions that the hooks stand in front of. Looked up once with RTLD_NEXT, so that the guest keeps the
// allocator it was linked with.
#pragma once

#include "preload/inject/hook_list.h"

namespace oomcast::inject {

struct RealLibc {
#define OOMCAST_DECLARE(result, name, parameters) result(*name) parameters;
  OOMCAST_HOOKS(OOMCAST_DECLARE)
#undef OOMCAST_DECLARE
};

extern RealLibc real_libc_table;
extern bool real_libc_ready;
/// libc's own allocator is below us. It maps and moves the break by its own internal calls: none of them is a hook of
/// ours.
extern bool libc_allocates;
/// Calls of malloc() go to an allocator that stands in front of our hooks: the program's own (jemalloc or
/// PartitionAlloc inside of it), or one that was preloaded before us. It may be in any of its locks when it maps
/// memory, and must not be asked for memory then.
extern bool others_allocate;
/// Fills the table; safe to call early, again, and from inside dlsym's own allocations.
void resolve_real_libc();

/// False only while dlsym itself is running below us: then the bootstrap arena has to serve.
inline bool have_real_libc() {
  if (__builtin_expect(!real_libc_ready, 0)) resolve_real_libc();
  return real_libc_ready;
}

/// Memory for allocations that dlsym makes before malloc is known. Never given back.
void* bootstrap_allocate(size_t bytes, size_t alignment);
inline constexpr size_t kBootstrapBytes = 128 * 1024;
extern char bootstrap_arena[kBootstrapBytes];
inline bool is_bootstrap(const void* pointer) {
  return reinterpret_cast<uintptr_t>(pointer) - reinterpret_cast<uintptr_t>(bootstrap_arena) < kBootstrapBytes;
}
size_t bootstrap_size(const void* pointer);

}  // namespace oomcast::inject
