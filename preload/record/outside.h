// Outside: holds the touches of processes without the library: static programs, and programs that ran before the
// recorder. Once touches are to be held, a userfaultfd is opened inside the process. The kernel's notices tell what the
// process maps later.
#pragma once

#include <cstdint>
#include <utility>

#include "preload/record/kernel/userfaultfd_fetcher.h"
#include "preload/record/rooms.h"
#include "preload/record/server/event_loop.h"

namespace oomcast::record {

class Outside {
 public:
  Outside(Rooms& rooms, EventLoop& loop) : rooms_(rooms), loop_(loop) {}

  /// The programs run already and will not load the library.
  void expect_no_hellos() { hellos_come_ = false; }
  /// `start`: a program without the library, stopped before its first instruction until its touches are held.
  void hold_at_start(HeldStart start) { start_ = std::move(start); }
  /// In the exact phase: opens a userfaultfd inside each process that will not say hello any more. If that fails it is
  /// tried again, at most four times; then the process is polled.
  void hold_due(uint64_t now_ns);
  /// Registers the mappings that the process has made since the last call.
  void take_mappings(Process& process);

 private:
  static bool is_due(const Process& process, uint64_t now_ns);
  bool may_say_hello(Process& process, uint64_t now_ns) const;
  void hold(Process& process);
  void serve_all();

  Rooms& rooms_;
  EventLoop& loop_;
  UserfaultfdFetcher fetcher_;
  HeldStart start_;
  bool hellos_come_ = true;
};

}  // namespace oomcast::record
