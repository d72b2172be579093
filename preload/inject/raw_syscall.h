// System calls inside the guest that do not touch errno or libc's state and are no cancellation points.
#pragma once

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>

#include <cstdint>

namespace oomcast::inject {

/// Returns what the kernel returns: a negative errno on failure.
inline long raw_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
#if defined(__x86_64__)
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#else
#error "oomcast: add the system call sequence of this architecture"
#endif
}

inline bool failed(long result) { return result < 0 && result > -4096; }
/// What libc's wrapper would return: -1 with errno set on failure.
inline long with_errno(long result) {
  if (!failed(result)) return result;
  errno = static_cast<int>(-result);
  return -1;
}
inline uint64_t page_up(uint64_t bytes) { return (bytes + 4095) & ~uint64_t{4095}; }

/// A system call for the library's own sake. In the test build the Nth of them fails, N from OOMCAST_FAIL_NTH: the
/// guest must not notice. Calls on behalf of the guest use raw_syscall().
#ifdef OOMCAST_FAULT_INJECTION
bool this_call_fails();
inline long own_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  return this_call_fails() ? -5 /* EIO */ : raw_syscall(number, a, b, c, d, e, f);
}
#else
inline long own_syscall(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
  return raw_syscall(number, a, b, c, d, e, f);
}
#endif

template <class T>
inline long arg(T* pointer) {
  return reinterpret_cast<long>(pointer);
}

/// Blocks signals for a scope, so that no handler runs (or leaves by longjmp) in the middle of a request. Not the
/// signals for faults of this thread itself (SIGSEGV, ...): if they were blocked, the kernel would kill the process.
class SignalsHeld {
 public:
  SignalsHeld() {
    constexpr auto bit = [](int signal) { return uint64_t{1} << (signal - 1); };
    const uint64_t others = ~(bit(SIGSEGV) | bit(SIGBUS) | bit(SIGFPE) | bit(SIGILL) | bit(SIGTRAP) | bit(SIGSYS));
    raw_syscall(SYS_rt_sigprocmask, SIG_BLOCK, arg(&others), arg(&saved_), sizeof saved_);
  }
  ~SignalsHeld() { raw_syscall(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, arg(&saved_), 0, sizeof saved_); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  uint64_t saved_ = 0;
};

}  // namespace oomcast::inject
