// Reads the clock without a lock, an allocation or a change of errno.
#pragma once

#include <time.h>

#include <cstdint>

#include "preload/inject/raw_syscall.h"

namespace oomcast::inject {

inline uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  if (clock == CLOCK_MONOTONIC)
    clock_gettime(clock, &now);  // in the vDSO; cannot fail
  else
    raw_syscall(SYS_clock_gettime, clock, arg(&now));
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace oomcast::inject
