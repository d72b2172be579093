// Ends the registration of a process's memory where held memory, or a system call of the library, would be noticed.
//
// The kernel registers memory with one userfaultfd only. Access that does not wait for faults (/proc/PID/mem, ptrace)
// fails on a missing page. A seccomp filter may kill the process for any call that it does not know.
#include "preload/inject/give_way.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "preload/inject/agent.h"
#include "preload/inject/connection.h"
#include "preload/inject/counted.h"
#include "preload/inject/decimal.h"
#include "preload/inject/exec_environment.h"
#include "preload/inject/raw_syscall.h"
#include "preload/inject/real_libc.h"

namespace oomcast::inject {
namespace {

std::atomic<bool> gave_way{false};

/// Pid of the process whose /proc/PID/mem is open as `fd`, by the kernel's name for it; 0: it is another file.
uint32_t memory_file_owner(int fd) {
  char link[40] = "/proc/self/fd/", name[64];
  append_decimal(link, static_cast<unsigned>(fd));
  const long length = raw_syscall(SYS_readlinkat, -100 /* AT_FDCWD */, arg(link), arg(name), sizeof name - 1);
  if (failed(length)) return 0;
  name[length] = '\0';
  if (strncmp(name, "/proc/", 6) != 0 || strcmp(strrchr(name, '/'), "/mem") != 0) return 0;
  uint32_t pid = 0;
  for (const char* at = name + 6; *at >= '0' && *at <= '9'; ++at) pid = pid * 10 + static_cast<uint32_t>(*at - '0');
  return pid;
}

bool last_part_is_mem(const char* path) {
  const char* const slash = strrchr(path, '/');
  return strcmp(slash != nullptr ? slash + 1 : path, "mem") == 0;
}

/// False in a vfork child: it traces or opens for itself, but the memory to be let go is its parent's.
bool may_ask() { return thread_state.inside == 0 && in_own_process(); }

}  // namespace

bool memory_may_be_registered() { return !gave_way.load(std::memory_order_relaxed); }

void give_way(ring::GiveWay why, uint32_t pid) {
  if (!may_ask() || !tracking()) return;
  const bool own = pid == 0 || pid == own_pid;
  if (own && gave_way.exchange(true)) return;
  const Counted counted;
  if (counted.sealed()) return;
  const int saved_errno = errno;
  agent_request(ring::RequestKind::kGiveWay, own ? 0 : pid, 0, static_cast<uint64_t>(why), 0);
  if (own && !agent_without_huge_pages.load(std::memory_order_relaxed)) switch_huge_pages_off();
  errno = saved_errno;
}

void note_opened(int fd, const char* path) {
  const Counted counted;
  if (fd < 0 || !counted.tracking()) return;
  if (strcmp(path, "/dev/userfaultfd") == 0) return give_way(ring::GiveWay::kUserfaultfd);
  if (!last_part_is_mem(path)) return;
  if (const uint32_t owner = memory_file_owner(fd); owner != 0) give_way(ring::GiveWay::kMemoryFile, owner);
}

Sealing::Sealing(bool seals) : seals_(seals && in_own_process()) {
  if (!seals_) return;
  tracked_ = tracking();
  give_way(ring::GiveWay::kSeccomp);
  agent_tracking.store(false, std::memory_order_seq_cst);
  agent_sealed.store(true, std::memory_order_seq_cst);
  const int saved_errno = errno;
  await_counted_threads();
  errno = saved_errno;
  // Another thread may have finished a due hello meanwhile.
  if (agent_tracking.exchange(false)) tracked_ = true;
}

void Sealing::called(bool succeeded) {
  if (!seals_) return;
  if (succeeded) {
    // Programs that this process starts are under the filter too, and the library would make calls that it forbids.
    take_library_out_of_environment();
    return;
  }
  agent_sealed.store(false, std::memory_order_release);
  agent_tracking.store(tracked_, std::memory_order_release);
}

extern "C" __attribute__((visibility("default"))) long ptrace(int request, pid_t pid, void* address, void* data) {
  constexpr int kTraceMe = 0, kAttach = 16, kSeize = 0x4206;
  if (request == kTraceMe) give_way(ring::GiveWay::kTraced);
  if ((request == kAttach || request == kSeize) && pid > 0)
    give_way(ring::GiveWay::kTraced, static_cast<uint32_t>(pid));
  if (!have_real_libc() || real_libc_table.ptrace == nullptr)
    return with_errno(raw_syscall(SYS_ptrace, request, pid, arg(address), arg(data)));
  return real_libc_table.ptrace(request, pid, address, data);
}

}  // namespace oomcast::inject
