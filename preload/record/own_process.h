// What the command changes in its own process so that a report is written whatever happens around it, and what its
// guest gets back before its exec: signal dispositions and mask, resource limits, oom_score_adj, closed standard
// streams.
#pragma once

#include <signal.h>

namespace oomcast::record {

/// Signals that would end or disturb the recorder and that can be held: all but SIGKILL and SIGSTOP, job control (the
/// recorder stops and goes on together with its guest), SIGCHLD, and the faults of the recorder itself.
sigset_t signals_to_hold();

/// Blocks them, to be read from a signalfd, and puts the mask back at its end unless hold_signals_for_good() was
/// called.
class SignalsHeld {
 public:
  SignalsHeld();
  ~SignalsHeld();
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_;
};

/// Some seven descriptors per process and two per thread; the guest keeps the limit that it was started with.
void raise_descriptor_limit();

/// In the guest, between fork() and exec(): everything that the functions of recorder.h have changed is as it was.
/// Async-signal-safe.
void become_guest();

}  // namespace oomcast::record
