// Finds code that a program has just run. No page table shows it, but a thread that is held in a fault stands
// somewhere.
//
// Of code that takes no fault nothing is seen. Its callers' addresses are on its stack, but reading that from here
// would wait for ever if the page were missing: for us, who serve its faults.
#pragma once

#include <cstdint>
#include <string>

#include "preload/record/capture/event_feed.h"
#include "preload/record/capture/statistics.h"

namespace oomcast::record {

/// At which instruction a thread that waits in the kernel was stopped, by the text of /proc/PID/task/TID/syscall; 0: it
/// does not say.
uint64_t stopped_at(const std::string& text);

class ProgramText {
 public:
  ProgramText(EventFeed& feed, Statistics& count) : feed_(feed), count_(count) {}

  void report_use(Process& process, Task& task);

 private:
  EventFeed& feed_;
  Statistics& count_;
};

}  // namespace oomcast::record
