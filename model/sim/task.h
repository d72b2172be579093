// One thread of the program, and where it is in virtual time.
#pragma once

#include <cstdint>

#include "model/base/units.h"
#include "model/host/page.h"
#include "model/sim/scheduler.h"
#include "model/trace/event.h"

namespace oomcast::sim {

struct Task {
  uint32_t pid = 0, tid = 0;
  host::ProcessIndex process = host::kNoProcess;
  FiberId fiber = kNoFiber;
  Nanoseconds clock;              // virtual time up to which the thread has run
  Nanoseconds last_active;        // when its last event was handled
  trace::Event event;             // the event that is being handled, or the last one
  uint32_t sampled_stack_id = 0;  // of its last sampled allocation; 0: none yet
  bool gone = false;
};

}  // namespace oomcast::sim
