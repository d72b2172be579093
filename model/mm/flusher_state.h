// Holds what the flusher thread and those who wake it know of each other.
#pragma once

#include "model/mm/sched.h"

namespace oomcast::mm {

/// The flusher thread (mm/writeback.cc).
struct FlusherState {
  WaitQueue wait;
  bool write_everything = false;
};

}  // namespace oomcast::mm
