// StoppedThread: stops a thread of another program and has it make system calls; afterwards the thread goes on
// unchanged.
#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <array>
#include <cstdint>

namespace oomcast::record {

/// Uses no heap and no lock, as it runs in a process that was forked from one with several threads. The calling thread
/// is the tracer, and only that thread may use the object.
///
/// Nothing is written into the program's memory: the thread runs a `syscall` instruction that the program has. The
/// destructor restores all registers, the signal mask and an interrupted system call. Signals that came meanwhile are
/// delivered then. The kernel restarts the call as after any stop (nanosleep with the time that was left). Calls that
/// return EINTR after any stop (epoll_wait, sigtimedwait, semop) are restarted too, with their full timeout.
class StoppedThread {
 public:
  /// Stops the thread. Not valid(): it did not stop within `patience_ns`, may not be traced, is traced already, is
  /// stopped by job control, sleeps uninterruptibly (vfork), or runs 32-bit code.
  StoppedThread(pid_t tid, uint64_t patience_ns);
  /// For a thread that is about to exec another program: wait_for_exec() will stop it.
  struct AtExec {};
  StoppedThread(pid_t tid, AtExec);
  ~StoppedThread();
  StoppedThread(const StoppedThread&) = delete;
  StoppedThread& operator=(const StoppedThread&) = delete;

  bool valid() const { return state_ == State::kStopped; }
  /// Waits until the new program is loaded, before its first instruction; true: it is stopped there. False: the other
  /// end of `socket` is closed, or the thread could not be stopped.
  bool wait_for_exec(int socket);
  /// Why it is not valid(): an errno.
  int error() const { return error_; }

  /// Makes a system call at `instruction`, the address of a `syscall` instruction. Returns its result, which may be a
  /// negative errno; -ESRCH: the thread was killed. REQUIRES: valid(), and a call that waits for no other thread.
  long call(uint64_t instruction, long number, const std::array<uint64_t, 6>& arguments = {});

 private:
  enum class State { kNotOurs, kStopped, kRunning, kGone };
  enum class Stop { kSyscall, kTrap, kExec, kJobControl, kSignal, kGone, kNone };

  Stop wait_for_stop(uint64_t patience_ns);
  Stop next(int request, int signal);
  bool stop_at_return();
  void take_over(Stop stop);
  void leave_restartable_sequence();
  void have_call_restarted();

  pid_t tid_;
  State state_ = State::kNotOurs;
  int error_ = 0;
  bool called_ = false;  // the thread stands at the exit of a call made by call()
  user_regs_struct registers_{};
  uint64_t mask_ = 0;
  int held_signal_ = 0;  // to be sent after the detach: SIGSTOP, which no mask blocks
};

}  // namespace oomcast::record
