// Reads clocks without a lock, without an allocation and without a change of errno.
#pragma once

#include <time.h>

#include <cstdint>

#include "preload/inject/raw_syscall.h"

namespace oomcast::inject {

/// Time of the clock in ns.
inline uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  if (clock == CLOCK_MONOTONIC)
    clock_gettime(clock, &now);  // in the vDSO; cannot fail
  else
    raw_syscall(SYS_clock_gettime, clock, arg(&now));
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace oomcast::inject
