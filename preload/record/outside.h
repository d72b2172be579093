// Outside: holds the touches of processes that have not loaded the library: static programs, and those that ran before
// we came. A userfaultfd is opened inside of them once touches are to be held; what they map later the kernel tells.
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

  /// The programs run already: nobody will load the library.
  void expect_no_hellos() { hellos_come_ = false; }
  /// A program without the library that is held before its first instruction.
  void hold_at_start(HeldStart start) { start_ = std::move(start); }
  /// All that will not say hello any more, in the exact phase. A process that refuses is tried again, and then polled.
  void hold_due(uint64_t now_ns);
  /// What the process has mapped since the last call is registered.
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
