// Passes on what the guest has asked of the kernel for its memory to come. NUMA policies, affinity, huge pages,
// resource limits, locks: notes from the library, passed on as events; and the limits that a program was born with.
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

  void take_note(Process& process, const trace::Event& note);
  void report_limits(Process& process);

 private:
  ProcessTable& processes_;
  EventFeed& feed_;
  Mappings& mappings_;
};

}  // namespace oomcast::record
