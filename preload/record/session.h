// Session: one run. Owns the rooms and the servers that talk to the guests, and fixes the order in which things happen.
//
// One loop serves sockets, userfaultfds and pidfds. A second thread answers questions while the loop waits. Both share
// one lock, so that events are fed in the order in which they arrive.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "preload/record/hello_answers.h"
#include "preload/record/outside.h"
#include "preload/record/process_life.h"
#include "preload/record/question_answers.h"
#include "preload/record/recorder.h"
#include "preload/record/rooms.h"
#include "preload/record/server/event_loop.h"
#include "preload/record/server/guest_guard.h"
#include "preload/record/server/hello_server.h"
#include "preload/record/server/question_server.h"
#include "preload/record/server/serving_cpu.h"
#include "preload/record/server/signal_relay.h"
#include "preload/record/tracking_start.h"

namespace oomcast::record {

class Session {
 public:
  Session(const RecordOptions& options, TrackerKind tracker, trace::EventSink& sink);

  /// Opens the abstract socket on which guests say hello. With an empty name a name is made up.
  Result<void> listen(const std::string& abstract_name) { return hellos_.listen(abstract_name); }
  const std::string& socket_name() const { return hellos_.socket_name(); }
  /// The root will not load the library: RssSampler looks for peaks from the start. To be called before add_root().
  void expect_no_hello() { rooms_.meter.start_sampling(); }
  /// Whether a program without the library has to be stopped at its start until its memory is registered.
  bool holds_starts() const { return rooms_.tracker == TrackerKind::kUserfaultfd && rooms_.phase.exact(); }
  void hold_at_start(HeldStart start) { outside_.hold_at_start(std::move(start)); }
  /// Adds the process whose end is the end of the run. `is_child`: of the recorder.
  void add_root(uint32_t pid, bool is_child);
  /// Instead of add_root(): adds a process that runs already, its descendants, and their present memory. The loop ends
  /// when that process ends, when the time is over, or when a signal asks for an end. `cgroup`: directory of a cgroup
  /// whose processes are watched too; the loop then ends with the last of them. Empty: none. False: the process is
  /// gone.
  bool add_running(const Attachment& to, const std::string& cgroup);
  void add_connection(int fd) { hellos_.add_connection(fd); }
  /// Serves the guests until the run is over.
  void loop();
  trace::CaptureSummary finish();

 private:
  bool is_over(uint64_t now_ns) const;
  void serve_until_over(HeldLock held);
  void serve(const Source& source, const HeldLock& held);
  void take_end(Process& process, const HeldLock& held);

  void tick(const HeldLock& held);
  void scan_due(uint64_t now_ns);
  void tick_slowly(uint64_t now_ns, const HeldLock& held);
  void drain_streaming(uint64_t now_ns);
  uint64_t next_deadline_ns() const;
  void raise_priority() const;

  Clocks clocks_;
  Rooms rooms_;
  EventLoop loop_;
  HelloServer hellos_;
  ProcessLife life_;
  Outside outside_;
  TrackingStart tracking_start_;
  HelloAnswers hello_answers_;
  QuestionAnswers question_answers_;
  SignalRelay signals_;
  GuestGuard guard_;
  ServingCpu serving_cpu_;
  int loop_tid_ = 0;
  uint64_t sleeps_until_ns_ = 0;  // end of the loop's present wait; 0: the loop does not wait; under the lock
  uint64_t last_end_ns_ = 0;
  bool watches_ = false;         // the program ran already
  bool watches_cgroup_ = false;  // all processes of its cgroup are watched too
  uint64_t watches_until_ns_ = UINT64_MAX;
  uint64_t next_tick_ns_ = 0, ticks_ = 0, next_progress_ns_ = 0;
  trace::CaptureSummary summary_;
  QuestionServer questions_;  // last: its thread uses all the others
};

}  // namespace oomcast::record
