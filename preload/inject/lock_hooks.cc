// Hooks the calls that lock memory, and notes the locks that the kernel has granted.
//
// A call that faults pages in is made in two steps. First the range is locked with MLOCK_ONFAULT, which the kernel
// grants or refuses by the same rules. This lock is noted, and then the guest's call follows. Otherwise the model would
// see each page before it sees the lock.
#include "preload/inject/lock_hooks.h"

#include <sys/mman.h>

#include "preload/inject/agent.h"
#include "preload/inject/counted.h"
#include "preload/inject/raw_syscall.h"

#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif
#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

namespace oomcast::inject {
namespace {

#define OOMCAST_EXPORT extern "C" __attribute__((visibility("default")))

/// Locks the range with MLOCK_ONFAULT. False: refused, or not tracking.
bool lock_on_fault(const void* start, size_t bytes) {
  const Counted counted;
  return tracking() && counted.tracking() && in_own_process() &&
         raw_syscall(SYS_mlock2, arg(start), static_cast<long>(bytes), MLOCK_ONFAULT) == 0;
}

bool lock_all_on_fault(int flags) {
  const Counted counted;
  return tracking() && counted.tracking() && in_own_process() && raw_syscall(SYS_mlockall, flags | MCL_ONFAULT) == 0;
}

void note_lock_all(int flags) {
  const int noted = (flags & MCL_CURRENT ? trace::kLockCurrent : 0) | (flags & MCL_FUTURE ? trace::kLockFuture : 0) |
                    (flags & MCL_ONFAULT ? trace::kLockOnFault : 0);
  agent_note_setting(trace::EventKind::kLockAll, current_tid(), 0, 0, 0, static_cast<uint8_t>(noted));
}

}  // namespace

void note_lock(const void* start, size_t bytes, uint8_t flags) {
  const auto from = reinterpret_cast<uint64_t>(start) & ~uint64_t{4095};
  const uint64_t end = page_up(reinterpret_cast<uint64_t>(start) + bytes);
  if (end > from) agent_note_setting(trace::EventKind::kLock, current_tid(), from, end - from, 0, flags);
}

bool lock_new_mapping(const void* start, size_t bytes) {
  if (!lock_on_fault(start, bytes)) return false;
  note_lock(start, bytes, trace::kLocked);
  raw_syscall(SYS_mlock, arg(start), static_cast<long>(bytes));
  return true;
}

OOMCAST_EXPORT int mlock(const void* start, size_t bytes) {
  const bool noted = lock_on_fault(start, bytes);
  if (noted) note_lock(start, bytes, trace::kLocked);
  const long result = raw_syscall(SYS_mlock, arg(start), static_cast<long>(bytes));
  if (result == 0 && !noted) note_lock(start, bytes, trace::kLocked);
  return static_cast<int>(with_errno(result));
}

OOMCAST_EXPORT int mlock2(const void* start, size_t bytes, unsigned flags) {
  if (flags == 0) return mlock(start, bytes);
  const long result = raw_syscall(SYS_mlock2, arg(start), static_cast<long>(bytes), flags);
  if (result == 0) note_lock(start, bytes, trace::kLocked | trace::kLockOnFault);
  return static_cast<int>(with_errno(result));
}

OOMCAST_EXPORT int munlock(const void* start, size_t bytes) {
  const long result = raw_syscall(SYS_munlock, arg(start), static_cast<long>(bytes));
  if (result == 0) note_lock(start, bytes, 0);
  return static_cast<int>(with_errno(result));
}

OOMCAST_EXPORT int mlockall(int flags) {
  const bool faults_in = (flags & MCL_CURRENT) && !(flags & MCL_ONFAULT);
  const bool noted = faults_in && lock_all_on_fault(flags);
  if (noted) note_lock_all(flags);
  const long result = raw_syscall(SYS_mlockall, flags);
  if (result == 0 && !noted) note_lock_all(flags);
  return static_cast<int>(with_errno(result));
}

OOMCAST_EXPORT int munlockall() {
  const long result = raw_syscall(SYS_munlockall);
  if (result == 0) note_lock_all(0);
  return static_cast<int>(with_errno(result));
}

}  // namespace oomcast::inject
