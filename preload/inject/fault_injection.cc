// Makes one of the library's own system calls fail, the Nth of each process. Only in the test build
// (OOMCAST_FAULT_INJECTION).
#ifdef OOMCAST_FAULT_INJECTION

#include <fcntl.h>
#include <stdlib.h>

#include <atomic>

#include "preload/inject/raw_syscall.h"

namespace oomcast::inject {
namespace {

std::atomic<int> calls{0};

/// Creates a file that proves that the call has failed.
void leave_trace() {
  const char* path = getenv("OOMCAST_FAIL_WITNESS");
  if (path == nullptr) return;
  const long fd = raw_syscall(SYS_openat, AT_FDCWD, arg(path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) raw_syscall(SYS_close, fd);
}

}  // namespace

bool this_call_fails() {
  const char* text = getenv("OOMCAST_FAIL_NTH");
  if (text == nullptr || calls.fetch_add(1, std::memory_order_relaxed) + 1 != atoi(text)) return false;
  leave_trace();
  return true;
}

}  // namespace oomcast::inject

#endif
