// Applies mlock() and its relatives. See locking.h.
#include "model/sim/locking.h"

#include "model/mm/mlock.h"

namespace oomcast::sim {

using host::LockMode;

void set_lock(mm::Kernel& k, const trace::Event& event, host::ProcessIndex process) {
  const auto has = [&](uint8_t flag) { return (event.flags & flag) != 0; };
  const LockMode mode = has(trace::kLockOnFault) ? LockMode::kOnFault : LockMode::kLocked;
  if (event.kind == trace::EventKind::kLockAll)
    mm::lock_all(k, process, has(trace::kLockCurrent), has(trace::kLockFuture), mode);
  else
    mm::lock_range(k, process, event.address, event.bytes, has(trace::kLocked) ? mode : LockMode::kNone);
}

}  // namespace oomcast::sim
