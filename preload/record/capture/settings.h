// Settings: reports what a guest has told the kernel about its future memory. The library notes NUMA policies,
// affinity, huge page advice, resource limits and locks; limits that a program has from its start are read here.
#pragma once

#include "model/trace/event.h"
#include "preload/record/capture/event_feed.h"
#include "preload/record/capture/mappings.h"
#include "preload/record/guest/process_table.h"

namespace oomcast::record {

class Settings {
 public:
  Settings(ProcessTable& processes, EventFeed& feed, Mappings& mappings)
      : processes_(processes), feed_(feed), mappings_(mappings) {}

  /// Takes a note of the library about a setting.
  void take_note(Process& process, const trace::Event& note);
  /// Reports RLIMIT_DATA and RLIMIT_AS of a new process, if they are set.
  void report_limits(Process& process);

 private:
  ProcessTable& processes_;
  EventFeed& feed_;
  Mappings& mappings_;
};

}  // namespace oomcast::record
