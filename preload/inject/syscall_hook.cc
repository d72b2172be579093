// Hooks libc's syscall(): calls without a wrapper in libc (mbind and others) go to the hooks for them. All other calls
// jump to libc's own syscall() with every register unchanged, since clone() or vfork() may pass through here.
#include "preload/inject/syscall_hook.h"

#include <sched.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "preload/inject/agent.h"
#include "preload/inject/give_way.h"
#include "preload/inject/raw_syscall.h"

#ifndef __NR_set_mempolicy_home_node
#define __NR_set_mempolicy_home_node 450
#endif

extern "C" {
long mbind(void*, unsigned long, int, const unsigned long*, unsigned long, unsigned);
long set_mempolicy(int, const unsigned long*, unsigned long);
long set_mempolicy_home_node(unsigned long, unsigned long, unsigned long, unsigned long);
int setrlimit64(int, const void*);
int prlimit64(pid_t, int, const void*, void*);
int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long);
int madvise(void*, size_t, int);
int mlock2(const void*, size_t, unsigned);
ssize_t process_madvise(int, const iovec*, size_t, int, unsigned);
int execve(const char*, char* const*, char* const*);
int execveat(int, const char*, char* const*, char* const*, int);

/// Gets the calls that the assembly below selects, and all calls before libc's syscall() is known.
__attribute__((visibility("hidden"), used)) long oomcast_syscall(long number, long a, long b, long c, long d, long e,
                                                                 long f) {
  using namespace oomcast::inject;
  if (agent_sealed.load(std::memory_order_relaxed)) return with_errno(raw_syscall(number, a, b, c, d, e, f));
  switch (number) {
    case __NR_seccomp: {
      // SECCOMP_SET_MODE_STRICT or SECCOMP_SET_MODE_FILTER. Without a program the call only asks whether filters are
      // supported.
      Sealing sealing((a == 0 && b == 0 && c == 0) || (a == 1 && c != 0));
      const long result = raw_syscall(number, a, b, c, d, e, f);
      sealing.called(!failed(result));
      return with_errno(result);
    }
    case __NR_userfaultfd: {
      give_way(oomcast::ring::GiveWay::kUserfaultfd);
      return with_errno(raw_syscall(number, a, b, c, d, e, f));
    }
    case __NR_ptrace:
      // The kernel stores a peeked word through the pointer; libc's ptrace() returns it instead.
      if (a == 0 /* PTRACE_TRACEME */) give_way(oomcast::ring::GiveWay::kTraced);
      if ((a == 16 || a == 0x4206) /* PTRACE_ATTACH, PTRACE_SEIZE */ && b > 0)
        give_way(oomcast::ring::GiveWay::kTraced, static_cast<uint32_t>(b));
      return with_errno(raw_syscall(number, a, b, c, d, e, f));
    case __NR_execve:
      return execve(reinterpret_cast<const char*>(a), reinterpret_cast<char* const*>(b),
                    reinterpret_cast<char* const*>(c));
    case __NR_execveat:
      return execveat(static_cast<int>(a), reinterpret_cast<const char*>(b), reinterpret_cast<char* const*>(c),
                      reinterpret_cast<char* const*>(d), static_cast<int>(e));
    case __NR_mbind:
      return mbind(reinterpret_cast<void*>(a), static_cast<unsigned long>(b), static_cast<int>(c),
                   reinterpret_cast<const unsigned long*>(d), static_cast<unsigned long>(e), static_cast<unsigned>(f));
    case __NR_set_mempolicy:
      return set_mempolicy(static_cast<int>(a), reinterpret_cast<const unsigned long*>(b),
                           static_cast<unsigned long>(c));
    case __NR_set_mempolicy_home_node:
      return set_mempolicy_home_node(static_cast<unsigned long>(a), static_cast<unsigned long>(b),
                                     static_cast<unsigned long>(c), static_cast<unsigned long>(d));
    case __NR_sched_setaffinity: {
      // As for libc's wrapper the kernel returns 0 here (only sched_getaffinity() returns a size).
      return sched_setaffinity(static_cast<pid_t>(a), static_cast<size_t>(b), reinterpret_cast<const cpu_set_t*>(c));
    }
    case __NR_setrlimit:
      return setrlimit64(static_cast<int>(a), reinterpret_cast<const void*>(b));
    case __NR_prlimit64:
      return prlimit64(static_cast<pid_t>(a), static_cast<int>(b), reinterpret_cast<const void*>(c),
                       reinterpret_cast<void*>(d));
    case __NR_prctl:
      return prctl(static_cast<int>(a), static_cast<unsigned long>(b), static_cast<unsigned long>(c),
                   static_cast<unsigned long>(d), static_cast<unsigned long>(e));
    case __NR_madvise:
      return madvise(reinterpret_cast<void*>(a), static_cast<size_t>(b), static_cast<int>(c));
    case __NR_mlock2:
      return mlock2(reinterpret_cast<const void*>(a), static_cast<size_t>(b), static_cast<unsigned>(c));
    case __NR_process_madvise:
      return process_madvise(static_cast<int>(a), reinterpret_cast<const iovec*>(b), static_cast<size_t>(c),
                             static_cast<int>(d), static_cast<unsigned>(e));
    case __NR_write:
      if (is_address_probe(static_cast<int>(a))) return probe_address(reinterpret_cast<const void*>(b));
      [[fallthrough]];
    default:
      return with_errno(raw_syscall(number, a, b, c, d, e, f));
  }
}

__attribute__((visibility("hidden"))) void* oomcast_next_syscall = reinterpret_cast<void*>(&oomcast_syscall);
}

#define OOMCAST_TEXT_OF(number) #number
#define OOMCAST_TEXT(number) OOMCAST_TEXT_OF(number)

#if defined(__x86_64__)
// syscall() has seven parameters. The last one is on the stack, where oomcast_syscall() expects it.
#define OOMCAST_PICK(number) "cmpq $" OOMCAST_TEXT(number) ", %rdi\n je oomcast_syscall\n"
#define OOMCAST_PASS_ON "jmpq *oomcast_next_syscall(%rip)\n"
#elif defined(__aarch64__)
#define OOMCAST_PICK(number) "cmp x0, #" OOMCAST_TEXT(number) "\n b.eq oomcast_syscall\n"
#define OOMCAST_PASS_ON "adrp x16, oomcast_next_syscall\n ldr x16, [x16, #:lo12:oomcast_next_syscall]\n br x16\n"
#endif

__asm__(".text\n.balign 16\n.globl syscall\n.type syscall, %function\nsyscall:\n" OOMCAST_PICK(__NR_mbind)
            OOMCAST_PICK(__NR_set_mempolicy) OOMCAST_PICK(__NR_set_mempolicy_home_node)
                OOMCAST_PICK(__NR_sched_setaffinity) OOMCAST_PICK(__NR_setrlimit) OOMCAST_PICK(__NR_prlimit64)
                    OOMCAST_PICK(__NR_prctl) OOMCAST_PICK(__NR_madvise) OOMCAST_PICK(__NR_mlock2)
                        OOMCAST_PICK(__NR_process_madvise) OOMCAST_PICK(__NR_write) OOMCAST_PICK(__NR_seccomp)
                            OOMCAST_PICK(__NR_userfaultfd) OOMCAST_PICK(__NR_ptrace) OOMCAST_PICK(__NR_execve)
                                OOMCAST_PICK(__NR_execveat) OOMCAST_PASS_ON ".size syscall, .-syscall\n");

namespace oomcast::inject {

void pass_syscalls_on(void* next) {
  if (next != nullptr) oomcast_next_syscall = next;
}

}  // namespace oomcast::inject
