// SignalRelay: passes signals that the recorder receives on to the program, as their senders meant it. In a recorder
// that only watches a program, the signals are meant for the recorder.
#pragma once

#include <sys/signalfd.h>

#include "preload/record/guest/process_table.h"
#include "preload/record/kernel/unique_fd.h"
#include "preload/record/server/event_loop.h"
#include "preload/record/server/group_signals.h"

namespace oomcast::record {

class SignalRelay {
 public:
  SignalRelay(EventLoop& loop, ProcessTable& processes) : loop_(loop), processes_(processes) {}

  enum class Meant { kForTheProgram, kForUs };
  /// Opens the signalfd. `meant`: with kForUs no signal is passed on, and the first request to end ends the recording.
  /// REQUIRES: processes.root is set.
  void start(Meant meant = Meant::kForTheProgram);
  /// The signalfd is readable: reads the signals and passes them on.
  void read_signals();
  /// Whether a signal has asked for the end of the recording: the first request with kForUs, else the second that came
  /// while only descendants of the root were left.
  bool end_requested() const { return end_requested_; }

 private:
  void pass_on(const signalfd_siginfo& signal, bool to_group);

  EventLoop& loop_;
  ProcessTable& processes_;
  UniqueFd signals_;
  GroupSignals group_signals_;
  Meant meant_ = Meant::kForTheProgram;
  bool asked_to_end_ = false, end_requested_ = false;
};

}  // namespace oomcast::record
