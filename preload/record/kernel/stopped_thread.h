// A thread of another program that stands still and makes system calls for us; then it goes on as if nothing had been.
#pragma once

#include <sys/types.h>
#include <sys/user.h>

#include <array>
#include <cstdint>

namespace oomcast::record {

/// Uses no heap, no lock and no errno of the caller's beyond its own calls: it runs in a process that was forked from
/// one with several threads. The tracer is the calling thread, and only that one may use the object.
///
/// Nothing is written into the program's memory: a `syscall` instruction of its own is used. All registers, the signal
/// mask and a system call that was interrupted are as they were when the object goes: signals that came meanwhile are
/// delivered then, and the kernel restarts the call as after any stop (nanosleep with the time that was left), those
/// too that end with EINTR after any other stop (epoll_wait, sigtimedwait, semop: with all of their time).
class StoppedThread {
 public:
  /// Stops the thread, or gives up after `patience_ns`: it may not be traced, is traced already, is stopped by job
  /// control, sleeps where no stop reaches it (vfork), or runs 32-bit code.
  StoppedThread(pid_t tid, uint64_t patience_ns);
  /// One that is about to exec another program, and is stopped by wait_for_exec().
  struct AtExec {};
  StoppedThread(pid_t tid, AtExec);
  ~StoppedThread();
  StoppedThread(const StoppedThread&) = delete;
  StoppedThread& operator=(const StoppedThread&) = delete;

  bool valid() const { return state_ == State::kStopped; }
  /// Waits until the new program is there, before its first instruction; or until the socket's other end is closed.
  bool wait_for_exec(int socket);
  /// Why not: an errno.
  int error() const { return error_; }

  /// Makes the call at `instruction`, where a `syscall` instruction lies. Its result, or a negative errno; -ESRCH when
  /// the thread has been killed. REQUIRES: valid(); a call that does not wait for others.
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
  bool called_ = false;  // it stands at the end of a call of ours
  user_regs_struct registers_{};
  uint64_t mask_ = 0;
  int held_signal_ = 0;  // one that no mask holds back: SIGSTOP
};

}  // namespace oomcast::record
