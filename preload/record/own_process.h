// What the command changes in its own process so that the report is always written, and what the guest gets back before
// its exec: signal dispositions and mask, resource limits, oom_score_adj, closed standard streams.
#pragma once

#include <signal.h>

namespace oomcast::record {

/// Signals that the recorder blocks because they would end or disturb it. Not among them: SIGKILL and SIGSTOP, job
/// control (the recorder stops and continues together with its guest), SIGCHLD, and faults of the recorder itself.
sigset_t signals_to_hold();

/// Blocks signals_to_hold(), which are read from a signalfd. The destructor restores the mask unless
/// hold_signals_for_good() was called.
class SignalsHeld {
 public:
  SignalsHeld();
  ~SignalsHeld();
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_;
};

/// Raises the soft RLIMIT_NOFILE to the hard one: the recorder needs about seven descriptors for each process and two
/// for each thread. To be called after the guest's start, so the guest keeps its limit.
void raise_descriptor_limit();

/// For the guest between fork() and exec(): undoes what the functions of recorder.h have changed. Async-signal-safe.
void become_guest();

}  // namespace oomcast::record
