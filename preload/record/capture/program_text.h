// ProgramText: finds code pages that a program has just used, by the instruction pointer of a thread that waits in a
// fault.
//
// Code that takes no fault is not seen. The addresses of its callers are on the thread's stack, but the recorder cannot
// read the stack: a missing page would be a fault that the recorder itself has to serve.
#pragma once

#include <cstdint>
#include <string>

#include "preload/record/capture/event_feed.h"
#include "preload/record/capture/statistics.h"

namespace oomcast::record {

/// The instruction pointer of a thread that waits in the kernel, from a text of /proc/PID/task/TID/syscall; 0: none is
/// given.
uint64_t stopped_at(const std::string& text);

class ProgramText {
 public:
  ProgramText(EventFeed& feed, Statistics& count) : feed_(feed), count_(count) {}

  /// Reports the code page that the thread runs, if that page is watched. REQUIRES: the thread waits in a fault.
  void report_use(Process& process, Task& task);

 private:
  EventFeed& feed_;
  Statistics& count_;
};

}  // namespace oomcast::record
