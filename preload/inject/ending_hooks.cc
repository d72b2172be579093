// Hooks calls around the end of threads and processes where held memory would do harm.
//
// When a thread ends, the kernel walks its robust list and does not wait for a userfaultfd: it misses a robust mutex on
// a held page, and threads that wait for that mutex wait for ever. kill(-1, SIGKILL) kills the recorder and the helper
// of the stash at once, and only the caller lives on.
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "preload/inject/agent.h"
#include "preload/inject/raw_syscall.h"
#include "preload/inject/real_libc.h"

namespace oomcast::inject {

std::atomic<bool> agent_robust_mutexes{false};

#define OOMCAST_EXPORT extern "C" __attribute__((visibility("default")))

OOMCAST_EXPORT int pthread_mutexattr_setrobust(pthread_mutexattr_t* attributes, int robust) {
  auto* const real = have_real_libc() && real_libc_table.pthread_mutexattr_setrobust != nullptr
                         ? real_libc_table.pthread_mutexattr_setrobust
                         : reinterpret_cast<decltype(real_libc_table.pthread_mutexattr_setrobust)>(
                               dlsym(RTLD_NEXT, "pthread_mutexattr_setrobust"));
  if (real == nullptr) return ENOSYS;
  if (robust == PTHREAD_MUTEX_ROBUST) {
    agent_robust_mutexes.store(true, std::memory_order_relaxed);
    if (tracking()) agent_shared->robust_mutexes.store(1, std::memory_order_relaxed);
  }
  return real(attributes, robust);
}

OOMCAST_EXPORT int kill(pid_t pid, int signal) {
  if (pid == -1 && signal == SIGKILL && tracking() && agent_shared->stash.holds.load(std::memory_order_relaxed) != 0 &&
      in_own_process())
    agent_request(ring::RequestKind::kKillsAll, 0, 0, 0, 0);
  return static_cast<int>(with_errno(raw_syscall(SYS_kill, pid, signal)));
}

}  // namespace oomcast::inject
