// Takes from an event what a process locks, or locks no more.
#pragma once

#include "model/mm/kernel.h"
#include "model/trace/event.h"

namespace oomcast::sim {

/// kLock, kLockAll.
void set_lock(mm::Kernel& k, const trace::Event& event, host::ProcessIndex process);

}  // namespace oomcast::sim
