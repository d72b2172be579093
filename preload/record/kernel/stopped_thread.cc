// StoppedThread: ptrace calls. For x86-64 only: other processors restart an interrupted system call in other ways, so
// there no thread is stopped.
#include "preload/record/kernel/stopped_thread.h"

#include <elf.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <utility>

#include "preload/record/kernel/clocks.h"
#include "preload/record/kernel/foreign_memory.h"

namespace oomcast::record {

#if defined(__x86_64__)
namespace {

constexpr uint64_t kEverySignal = ~uint64_t{0};
constexpr uint64_t kSpinNs = 300'000;
constexpr uint64_t kCallPatienceNs = 10'000'000'000, kExecPatienceNs = 1'000'000;
constexpr uint64_t kCode64 = 0x33;  // CS selector of 64-bit user code (__USER_CS)
constexpr int kStrayStopsMost = 64;

bool read_registers(pid_t tid, user_regs_struct* to) {
  iovec all{to, sizeof *to};
  return ::ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &all) == 0 && all.iov_len == sizeof *to;
}

bool write_registers(pid_t tid, user_regs_struct from) {
  iovec all{&from, sizeof from};
  return ::ptrace(PTRACE_SETREGSET, tid, NT_PRSTATUS, &all) == 0;
}

}  // namespace

StoppedThread::StoppedThread(pid_t tid, uint64_t patience_ns) : tid_(tid) {
  if (::ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD) != 0) {
    error_ = errno;
    return;
  }
  state_ = State::kRunning;
  ::ptrace(PTRACE_INTERRUPT, tid, 0, 0);
  Stop stop = wait_for_stop(patience_ns);
  // A signal that was already pending stops the thread before the requested stop: deliver it and wait again.
  for (int i = 0; i < kStrayStopsMost && stop == Stop::kSignal; ++i) {
    ::ptrace(PTRACE_CONT, tid, 0, held_signal_);
    held_signal_ = 0;
    stop = wait_for_stop(patience_ns);
  }
  take_over(stop);
}

StoppedThread::StoppedThread(pid_t tid, AtExec) : tid_(tid) {
  if (::ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC) != 0)
    error_ = errno;
  else
    state_ = State::kRunning;
}

bool StoppedThread::wait_for_exec(int socket) {
  while (state_ == State::kRunning) {
    const Stop stop = wait_for_stop(kExecPatienceNs);
    if (pollfd end{socket, 0, 0}; stop == Stop::kNone && ::poll(&end, 1, 0) != 0) return false;
    if (stop == Stop::kExec) {
      ::ptrace(PTRACE_INTERRUPT, tid_, 0, 0);
      take_over(next(PTRACE_CONT, SIGTRAP));
    } else if (stop == Stop::kGone) {
      take_over(stop);
    } else if (stop != Stop::kNone) {
      ::ptrace(stop == Stop::kJobControl ? PTRACE_LISTEN : PTRACE_CONT, tid_, 0, std::exchange(held_signal_, 0));
    }
  }
  return valid();
}

/// After a stop on the way back to user mode (kTrap), takes the thread over. Otherwise sets error_ and lets it go.
void StoppedThread::take_over(Stop stop) {
  if (stop == Stop::kGone) {
    state_ = State::kGone;
    error_ = ESRCH;
    return;
  }
  if (stop == Stop::kNone) {
    error_ = EBUSY;
    return;
  }
  const bool understood = stop == Stop::kTrap && read_registers(tid_, &registers_) && registers_.cs == kCode64 &&
                          ::ptrace(PTRACE_GETSIGMASK, tid_, sizeof mask_, &mask_) == 0 &&
                          ::ptrace(PTRACE_SETSIGMASK, tid_, sizeof kEverySignal, &kEverySignal) == 0;
  if (!understood) {
    error_ = stop == Stop::kTrap ? ENOEXEC : EBUSY;
    ::ptrace(PTRACE_DETACH, tid_, 0, std::exchange(held_signal_, 0));
    state_ = State::kNotOurs;
    return;
  }
  leave_restartable_sequence();
  have_call_restarted();
  state_ = State::kStopped;
}

/// A thread that does not stop is only released when the tracing thread ends: ptrace has no other way.
StoppedThread::~StoppedThread() {
  if (state_ != State::kStopped) return;
  // The kernel restarts an interrupted call only on the way back to user mode, so the thread must stop there first.
  if (called_ && !stop_at_return()) return;
  write_registers(tid_, registers_);
  ::ptrace(PTRACE_SETSIGMASK, tid_, sizeof mask_, &mask_);
  ::ptrace(PTRACE_DETACH, tid_, 0, 0);
  if (held_signal_ != 0) ::syscall(SYS_tkill, tid_, held_signal_);
}

long StoppedThread::call(uint64_t instruction, long number, const std::array<uint64_t, 6>& arguments) {
  user_regs_struct call = registers_;
  call.rip = instruction;
  call.rax = static_cast<uint64_t>(number);
  call.orig_rax = ~uint64_t{0};  // no system call: the kernel would restart the interrupted one
  call.rdi = arguments[0];
  call.rsi = arguments[1];
  call.rdx = arguments[2];
  call.r10 = arguments[3];
  call.r8 = arguments[4];
  call.r9 = arguments[5];
  if (!write_registers(tid_, call)) return -ESRCH;
  called_ = true;
  for (int entry_and_exit = 0; entry_and_exit < 2; ++entry_and_exit)
    if (next(PTRACE_SYSCALL, 0) != Stop::kSyscall) return -ESRCH;
  user_regs_struct result;
  return read_registers(tid_, &result) ? static_cast<long>(result.rax) : -ESRCH;
}

/// Lets the thread run to its next stop, with signals and job control set aside: both take effect after the detach.
StoppedThread::Stop StoppedThread::next(int request, int wanted) {
  for (int i = 0; i < kStrayStopsMost; ++i) {
    if (::ptrace(static_cast<__ptrace_request>(request), tid_, 0, 0) != 0) break;
    const Stop stop = wait_for_stop(kCallPatienceNs);
    if (stop == Stop::kSyscall || stop == Stop::kGone || (stop == Stop::kTrap && wanted == SIGTRAP)) {
      if (stop == Stop::kGone) state_ = State::kGone;
      return stop;
    }
    if (stop == Stop::kNone) break;
  }
  state_ = State::kGone;  // the thread's state is unknown: its registers must not be written
  return Stop::kGone;
}

bool StoppedThread::stop_at_return() {
  ::ptrace(PTRACE_INTERRUPT, tid_, 0, 0);
  return next(PTRACE_CONT, SIGTRAP) == Stop::kTrap;
}

StoppedThread::Stop StoppedThread::wait_for_stop(uint64_t patience_ns) {
  const uint64_t began = monotonic_ns();
  for (;;) {
    int status = 0;
    const pid_t got = ::waitpid(tid_, &status, __WALL | WNOHANG);
    if (got < 0 && errno != EINTR) return Stop::kGone;
    if (got == tid_) {
      if (!WIFSTOPPED(status)) return Stop::kGone;
      if (WSTOPSIG(status) == (SIGTRAP | 0x80)) return Stop::kSyscall;
      if (status >> 16 == PTRACE_EVENT_EXEC) return Stop::kExec;
      if (status >> 16 == PTRACE_EVENT_STOP) return WSTOPSIG(status) == SIGTRAP ? Stop::kTrap : Stop::kJobControl;
      held_signal_ = WSTOPSIG(status);
      return Stop::kSignal;
    }
    const uint64_t waited = monotonic_ns() - began;
    if (waited > patience_ns) return Stop::kNone;
    if (waited < kSpinNs) {
      ::sched_yield();
    } else {
      const timespec rest{0, 50'000};
      ::nanosleep(&rest, nullptr);
    }
  }
}

/// If the thread was stopped inside a restartable sequence (rseq(2)), moves its rip to the abort handler. The kernel
/// does that on a return to the program, but it would find rip at the lent `syscall` instruction then, outside the
/// sequence.
void StoppedThread::leave_restartable_sequence() {
#ifdef PTRACE_GET_RSEQ_CONFIGURATION
  struct Sequence {
    uint32_t version, flags;
    uint64_t start, length, abort;
  } sequence{};
  constexpr uint64_t kSequencePointerOffset = 8;  // of rseq_cs in struct rseq
  __ptrace_rseq_configuration area{};
  uint64_t pointer = 0;
  if (::ptrace(PTRACE_GET_RSEQ_CONFIGURATION, tid_, sizeof area, &area) <= 0 || area.rseq_abi_pointer == 0) return;
  if (!read_foreign(tid_, area.rseq_abi_pointer + kSequencePointerOffset, &pointer, sizeof pointer) || pointer == 0)
    return;
  if (read_foreign(tid_, pointer, &sequence, sizeof sequence) && registers_.rip - sequence.start < sequence.length)
    registers_.rip = sequence.abort;
#endif
}

/// Some calls (epoll_wait, semop) return EINTR after any stop, and few programs expect that without a signal. Such a
/// call gets -ERESTARTNOHAND instead, as pause() does: EINTR if a handler is to run, else the kernel makes the call
/// again.
void StoppedThread::have_call_restarted() {
  constexpr auto kInterrupted = static_cast<uint64_t>(-EINTR), kRestartWithoutHandler = static_cast<uint64_t>(-514);
  const bool in_call = static_cast<int64_t>(registers_.orig_rax) >= 0;
  if (!in_call || registers_.rax != kInterrupted) return;
  if (registers_.orig_rax == SYS_close) return;  // never again: the descriptor is closed already
  registers_.rax = kRestartWithoutHandler;
}

#else

StoppedThread::StoppedThread(pid_t tid, uint64_t) : tid_(tid), error_(ENOSYS) {}
StoppedThread::~StoppedThread() = default;
StoppedThread::StoppedThread(pid_t tid, AtExec) : tid_(tid), error_(ENOSYS) {}
bool StoppedThread::wait_for_exec(int) { return false; }
long StoppedThread::call(uint64_t, long, const std::array<uint64_t, 6>&) { return -ENOSYS; }

#endif

}  // namespace oomcast::record
