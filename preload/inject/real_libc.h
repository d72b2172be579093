// Where are the functions that the hooks stand in front of? Looked up once with RTLD_NEXT, so that the guest keeps the
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
/// Fills the table; safe to call early, again, and from inside dlsym's own allocations.
void resolve_real_libc();

/// False only while dlsym itself is running below us: then the bootstrap arena has to serve.
inline bool have_real_libc() {
  if (__builtin_expect(!real_libc_ready, 0)) resolve_real_libc();
  return real_libc_ready;
}

/// Memory for allocations that dlsym makes before malloc is known. Never given back.
void* bootstrap_allocate(size_t bytes, size_t alignment);
bool is_bootstrap(const void* pointer);
size_t bootstrap_size(const void* pointer);

}  // namespace oomcast::inject
