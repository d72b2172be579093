// Applies mlock(), munlock(), mlockall() and munlockall().
#pragma once

#include "model/mm/kernel.h"
#include "model/trace/event.h"

namespace oomcast::sim {

/// Applies a kLock or kLockAll event.
void set_lock(mm::Kernel& k, const trace::Event& event, host::ProcessIndex process);

}  // namespace oomcast::sim
