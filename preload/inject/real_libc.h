// The real functions behind the hooks, looked up once with RTLD_NEXT, so that the guest keeps its own allocator.
#pragma once

#include <errno.h>

#include "preload/inject/hook_list.h"

namespace oomcast::inject {

struct RealLibc {
#define OOMCAST_DECLARE(result, name, parameters) result(*name) parameters;
  OOMCAST_HOOKS(OOMCAST_DECLARE)
#undef OOMCAST_DECLARE
};

extern RealLibc real_libc_table;
extern bool real_libc_ready;
/// The real malloc() is glibc's. It maps memory and moves the break by internal calls, which pass no hook.
extern bool libc_allocates;
/// Calls of malloc() go to an allocator in front of these hooks: the program's own (jemalloc, PartitionAlloc), or one
/// that was preloaded before. It may hold its locks when it maps memory, so it must not be asked for memory then.
extern bool others_allocate;
/// Fills the table. May be called early, again, and from an allocation of dlsym() itself.
void resolve_real_libc();

/// False only while dlsym() is running below this call: then the bootstrap arena has to serve.
inline bool have_real_libc() {
  if (__builtin_expect(!real_libc_ready, 0)) resolve_real_libc();
  return real_libc_ready;
}

/// Whether the C library has this function.
#define OOMCAST_HAVE(name) (have_real_libc() && real_libc_table.name != nullptr)

/// The answer of a hook where the C library has no such function.
template <class Result>
Result missing() {
  errno = ENOSYS;
  return -1;
}

/// Memory for allocations that dlsym() makes before the real malloc() is known. Never freed. Null: the arena is full.
void* bootstrap_allocate(size_t bytes, size_t alignment);
inline constexpr size_t kBootstrapBytes = 128 * 1024;
extern char bootstrap_arena[kBootstrapBytes];
inline bool is_bootstrap(const void* pointer) {
  return reinterpret_cast<uintptr_t>(pointer) - reinterpret_cast<uintptr_t>(bootstrap_arena) < kBootstrapBytes;
}
/// The bytes that were asked for. REQUIRES: is_bootstrap().
size_t bootstrap_size(const void* pointer);

}  // namespace oomcast::inject
