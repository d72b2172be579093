// Lists the functions that the library hooks. Declarations, look-ups and tests are generated from this one list.
//
// X(return type, name, parameter types). The names are also in liboomcast.map. Tests in tests/preload check that both
// agree, and that each function of libc that may allocate, map or end a process is here or is listed there with a
// reason. In libstdc++ and libc++ all forms of operator new and delete call malloc, aligned_alloc and free.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/sysinfo.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <cstdint>

#define OOMCAST_MALLOC_HOOKS(X)                    \
  X(void*, malloc, (size_t))                       \
  X(void*, calloc, (size_t, size_t))               \
  X(void*, realloc, (void*, size_t))               \
  X(void*, reallocarray, (void*, size_t, size_t))  \
  X(void, free, (void*))                           \
  X(int, posix_memalign, (void**, size_t, size_t)) \
  X(void*, aligned_alloc, (size_t, size_t))        \
  X(void*, memalign, (size_t, size_t))             \
  X(void*, valloc, (size_t))                       \
  X(void*, pvalloc, (size_t))                      \
  X(size_t, malloc_usable_size, (void*))           \
  X(int, malloc_trim, (size_t))

// Hooks that make the system call themselves, or call hooks above: an allocator may call them while it holds the lock
// that dlsym() would need. X(name).
// clang-format off
#define OOMCAST_OWN_HOOKS(X)                                                                                     \
  X(cfree) X(free_sized) X(free_aligned_sized)                                                                   \
  X(mmap) X(mmap64) X(munmap) X(mremap) X(madvise) X(process_madvise) X(mprotect) X(pkey_mprotect) X(mlock)      \
  X(mlock2) X(mlockall) X(munlock) X(munlockall) X(shmdt) X(shmctl) X(_exit) X(_Exit) X(kill)                    \
  X(mbind) X(set_mempolicy) X(set_mempolicy_home_node) X(sched_setaffinity)                                      \
  X(pipe2) X(prctl) X(setrlimit) X(setrlimit64) X(prlimit) X(prlimit64)                                           \
  X(execve) X(execv) X(execvp) X(execl) X(execlp) X(execle) X(execveat)
// clang-format on

#define OOMCAST_OTHER_HOOKS(X)                                                                                      \
  X(int, brk, (void*))                                                                                              \
  X(void*, sbrk, (intptr_t))                                                                                        \
  X(void, quick_exit, (int))                                                                                        \
  X(long, sysconf, (int))                                                                                           \
  X(int, sysinfo, (struct sysinfo*))                                                                                \
  X(int, get_nprocs, (void))                                                                                        \
  X(long, get_phys_pages, (void))                                                                                   \
  X(long, get_avphys_pages, (void))                                                                                 \
  X(int, get_nprocs_conf, (void))                                                                                   \
  X(int, sched_getaffinity, (pid_t, size_t, cpu_set_t*))                                                            \
  X(int, pthread_setaffinity_np, (pthread_t, size_t, const cpu_set_t*))                                             \
  X(int, pthread_getaffinity_np, (pthread_t, size_t, cpu_set_t*))                                                   \
  X(int, pthread_create, (pthread_t*, const pthread_attr_t*, void* (*)(void*), void*))                              \
  X(int, pthread_mutexattr_setrobust, (pthread_mutexattr_t*, int))                                                  \
  X(long, syscall, (long, ...))                                                                                     \
  X(FILE*, fopen, (const char*, const char*))                                                                       \
  X(FILE*, fopen64, (const char*, const char*))                                                                     \
  X(FILE*, freopen, (const char*, const char*, FILE*))                                                              \
  X(FILE*, freopen64, (const char*, const char*, FILE*))                                                            \
  X(long, ptrace, (int, ...))                                                                                       \
  X(int, execvpe, (const char*, char* const*, char* const*))                                                        \
  X(int, fexecve, (int, char* const*, char* const*))                                                                \
  X(int, posix_spawn,                                                                                               \
    (pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*, char* const*, char* const*)) \
  X(int, posix_spawnp,                                                                                              \
    (pid_t*, const char*, const posix_spawn_file_actions_t*, const posix_spawnattr_t*, char* const*, char* const*))

// Programs built with _FORTIFY_SOURCE call the names with _chk and _2.
#define OOMCAST_FILE_HOOKS(X)                                               \
  X(ssize_t, read, (int, void*, size_t))                                    \
  X(ssize_t, pread, (int, void*, size_t, off_t))                            \
  X(ssize_t, pread64, (int, void*, size_t, off_t))                          \
  X(ssize_t, readv, (int, const iovec*, int))                               \
  X(ssize_t, preadv, (int, const iovec*, int, off_t))                       \
  X(ssize_t, preadv64, (int, const iovec*, int, off_t))                     \
  X(ssize_t, __read_chk, (int, void*, size_t, size_t))                      \
  X(ssize_t, __pread_chk, (int, void*, size_t, off_t, size_t))              \
  X(ssize_t, __pread64_chk, (int, void*, size_t, off_t, size_t))            \
  X(ssize_t, write, (int, const void*, size_t))                             \
  X(ssize_t, pwrite, (int, const void*, size_t, off_t))                     \
  X(ssize_t, pwrite64, (int, const void*, size_t, off_t))                   \
  X(ssize_t, writev, (int, const iovec*, int))                              \
  X(ssize_t, pwritev, (int, const iovec*, int, off_t))                      \
  X(ssize_t, pwritev64, (int, const iovec*, int, off_t))                    \
  X(ssize_t, sendfile, (int, int, off_t*, size_t))                          \
  X(ssize_t, sendfile64, (int, int, off_t*, size_t))                        \
  X(ssize_t, copy_file_range, (int, off_t*, int, off_t*, size_t, unsigned)) \
  X(ssize_t, splice, (int, off_t*, int, off_t*, size_t, unsigned))          \
  X(int, fallocate, (int, int, off_t, off_t))                               \
  X(int, fallocate64, (int, int, off_t, off_t))                             \
  X(int, posix_fallocate, (int, off_t, off_t))                              \
  X(int, posix_fallocate64, (int, off_t, off_t))                            \
  X(int, unlink, (const char*))                                             \
  X(int, unlinkat, (int, const char*, int))                                 \
  X(int, remove, (const char*))                                             \
  X(int, rename, (const char*, const char*))                                \
  X(int, renameat, (int, const char*, int, const char*))                    \
  X(int, renameat2, (int, const char*, int, const char*, unsigned))         \
  X(int, shm_unlink, (const char*))                                         \
  X(int, fsync, (int))                                                      \
  X(int, fdatasync, (int))                                                  \
  X(int, ftruncate, (int, off_t))                                           \
  X(int, ftruncate64, (int, off_t))                                         \
  X(int, open, (const char*, int, ...))                                     \
  X(int, open64, (const char*, int, ...))                                   \
  X(int, openat, (int, const char*, int, ...))                              \
  X(int, openat64, (int, const char*, int, ...))                            \
  X(int, __open_2, (const char*, int))                                      \
  X(int, __open64_2, (const char*, int))                                    \
  X(int, __openat_2, (int, const char*, int))                               \
  X(int, __openat64_2, (int, const char*, int))                             \
  X(int, creat, (const char*, mode_t))                                      \
  X(int, creat64, (const char*, mode_t))                                    \
  X(int, close, (int))                                                      \
  X(int, dup, (int))                                                        \
  X(int, dup2, (int, int))                                                  \
  X(int, dup3, (int, int, int))                                             \
  X(int, close_range, (unsigned, unsigned, int))                            \
  X(void, closefrom, (int))                                                 \
  X(int, fclose, (FILE*))

#define OOMCAST_HOOKS(X) OOMCAST_MALLOC_HOOKS(X) OOMCAST_OTHER_HOOKS(X) OOMCAST_FILE_HOOKS(X)
