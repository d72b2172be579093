// Which functions does the library stand in front of? The one list: declarations, look-ups and tests are made from it.
//
// X(return type, name, parameter types). Names must also be in liboomcast.map; tests/preload checks that they agree.
// What is not here reaches memory through one of these (operator new, posix_spawn's vfork child) or is found by pages.
#pragma once

#include <sched.h>
#include <stddef.h>
#include <sys/sysinfo.h>
#include <sys/types.h>

#include <cstdint>

#define OOMCAST_MALLOC_HOOKS(X)                        \
  X(void*, malloc, (size_t))                           \
  X(void*, calloc, (size_t, size_t))                   \
  X(void*, realloc, (void*, size_t))                   \
  X(void*, reallocarray, (void*, size_t, size_t))      \
  X(void, free, (void*))                               \
  X(int, posix_memalign, (void**, size_t, size_t))     \
  X(void*, aligned_alloc, (size_t, size_t))            \
  X(void*, memalign, (size_t, size_t))                 \
  X(void*, valloc, (size_t))                           \
  X(void*, pvalloc, (size_t))                          \
  X(size_t, malloc_usable_size, (void*))               \
  X(int, malloc_trim, (size_t))

// mmap, munmap, mremap, madvise and mprotect are made as system calls by the hooks themselves: an allocator may call
// them while it holds the lock that dlsym would need.
#define OOMCAST_OTHER_HOOKS(X)                         \
  X(int, brk, (void*))                                 \
  X(void*, sbrk, (intptr_t))                           \
  X(long, sysconf, (int))                              \
  X(int, sysinfo, (struct sysinfo*))                   \
  X(int, get_nprocs, (void))                           \
  X(int, get_nprocs_conf, (void))                      \
  X(int, sched_getaffinity, (pid_t, size_t, cpu_set_t*))

#define OOMCAST_HOOKS(X) OOMCAST_MALLOC_HOOKS(X) OOMCAST_OTHER_HOOKS(X)
