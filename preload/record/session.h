// Session: one run. Owns the rooms and those who talk to the guests, and says the order in which things happen.
//
// One loop serves sockets, userfaultfds and pidfds; a second thread answers questions while the loop waits: under one
// lock, so that the order of arrival is the order of the events.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "preload/record/answers.h"
#include "preload/record/outside.h"
#include "preload/record/process_life.h"
#include "preload/record/recorder.h"
#include "preload/record/rooms.h"
#include "preload/record/server/event_loop.h"
#include "preload/record/server/guest_guard.h"
#include "preload/record/server/hello_server.h"
#include "preload/record/server/question_server.h"
#include "preload/record/server/serving_cpu.h"
#include "preload/record/server/signal_relay.h"

namespace oomcast::record {

class Session {
 public:
  Session(const RecordOptions& options, TrackerKind tracker, trace::EventSink& sink);

  /// Opens the abstract socket that guests say hello on. An empty name: one is made up.
  Result<void> listen(const std::string& abstract_name) { return hellos_.listen(abstract_name); }
  const std::string& socket_name() const { return hellos_.socket_name(); }
  /// The root will not load the library: what it touches between two scans is looked for from the start. To be called
  /// before add_root().
  void expect_no_hello() { rooms_.meter.start_sampling(); }
  /// Whether a program that will not load the library is to be held until its memory is registered.
  bool holds_starts() const { return rooms_.tracker == TrackerKind::kUserfaultfd && rooms_.phase.exact(); }
  void hold_at_start(HeldStart start) { outside_.hold_at_start(std::move(start)); }
  /// The process whose end is the end of the run.
  void add_root(uint32_t pid, bool is_child);
  /// Instead of add_root(): a process that runs already, with its descendants and what they have by now. The loop ends
  /// with it, when the time is over, or when a signal asks for an end. `cgroup`: the directory of one whose processes
  /// are watched too, until all have ended; empty: none. False: the process is gone.
  bool add_running(const Attachment& to, const std::string& cgroup);
  void add_connection(int fd) { hellos_.add_connection(fd); }
  /// Until the root is gone.
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
  Answers answers_;
  SignalRelay signals_;
  GuestGuard guard_;
  ServingCpu serving_cpu_;
  int loop_tid_ = 0;
  uint64_t sleeps_until_ns_ = 0;  // the loop, unless something comes; under the lock
  uint64_t last_end_ns_ = 0;
  bool watches_ = false;         // a program that ran already
  bool watches_cgroup_ = false;  // and all of its cgroup
  uint64_t watches_until_ns_ = UINT64_MAX;
  uint64_t next_tick_ns_ = 0, ticks_ = 0, next_progress_ns_ = 0;
  trace::CaptureSummary summary_;
  QuestionServer questions_;  // last: its thread uses all the others
};

}  // namespace oomcast::record
