// State that the flusher thread shares with the tasks that wake it.
#pragma once

#include "model/mm/sched.h"

namespace oomcast::mm {

/// For mm/writeback.cc.
struct FlusherState {
  WaitQueue wait;
  bool write_everything = false;
};

}  // namespace oomcast::mm
