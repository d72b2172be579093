// Looks up the real functions behind the hooks, and serves malloc meanwhile.
#include "preload/inject/real_libc.h"

#include <dlfcn.h>
#include <link.h>

#include <atomic>

#include "preload/inject/syscall_hook.h"

extern "C" void* __libc_malloc(size_t bytes) __attribute__((weak));
extern "C" __attribute__((visibility("hidden"))) void* oomcast_malloc(size_t bytes);

namespace oomcast::inject {

RealLibc real_libc_table;
bool real_libc_ready = false;
bool libc_allocates = false, others_allocate = false;
alignas(64) char bootstrap_arena[kBootstrapBytes];

namespace {
constexpr size_t kHeaderBytes = 16;
std::atomic<size_t> arena_used{0};
bool resolving = false;

/// Whether calls of malloc() go to another allocator than this hook. A program that takes the address of malloc() may
/// have an undefined symbol of that name (a PLT entry), which leads to the hook.
bool calls_of_malloc_pass_us() {
  void* const found = dlsym(RTLD_DEFAULT, "malloc");
  if (found == nullptr || found == reinterpret_cast<void*>(oomcast_malloc)) return false;
  Dl_info info;
  void* entry = nullptr;
  const bool known = dladdr1(found, &info, &entry, RTLD_DL_SYMENT) != 0 && entry != nullptr;
  return !known || static_cast<const ElfW(Sym)*>(entry)->st_shndx != SHN_UNDEF;
}

}  // namespace

void resolve_real_libc() {
  if (real_libc_ready || resolving) return;
  resolving = true;
#define OOMCAST_LOOK_UP(result, name, parameters) \
  real_libc_table.name = reinterpret_cast<decltype(real_libc_table.name)>(dlsym(RTLD_NEXT, #name));
  OOMCAST_HOOKS(OOMCAST_LOOK_UP)
#undef OOMCAST_LOOK_UP
  pass_syscalls_on(reinterpret_cast<void*>(real_libc_table.syscall));
  libc_allocates = &__libc_malloc != nullptr && real_libc_table.malloc == &__libc_malloc;
  others_allocate = calls_of_malloc_pass_us();
  resolving = false;
  real_libc_ready = true;
}

void* bootstrap_allocate(size_t bytes, size_t alignment) {
  if (alignment < 16) alignment = 16;
  if (bytes > kBootstrapBytes || alignment > 4096) return nullptr;
  const size_t need = ((bytes + 15) & ~size_t{15}) + kHeaderBytes + alignment;
  const size_t at = arena_used.fetch_add(need);
  if (at + need > kBootstrapBytes) return nullptr;
  uintptr_t start = reinterpret_cast<uintptr_t>(bootstrap_arena) + at + kHeaderBytes;
  start = (start + alignment - 1) & ~(alignment - 1);
  reinterpret_cast<size_t*>(start)[-1] = bytes;
  return reinterpret_cast<void*>(start);
}

size_t bootstrap_size(const void* pointer) { return reinterpret_cast<const size_t*>(pointer)[-1]; }

}  // namespace oomcast::inject
