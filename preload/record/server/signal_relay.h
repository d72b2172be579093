// SignalRelay: signals to the recorder. Whoever sends them means the program, unless it ran before the recorder did.
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
  /// `meant`: kForUs where the program is only looked at: none is passed on, the first that asks for an end ends that.
  /// REQUIRES: the root is known.
  void start(Meant meant = Meant::kForTheProgram);
  void read_signals();
  /// While descendants of the root were waited for, a second signal has asked for an end; or the first that was meant
  /// for us.
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
