// WindowFill: the answer to one fault. A window of pages around the fault is filled, mapped as zero pages or made
// writable.
#pragma once

#include <cstdint>

#include "preload/record/guest/page_states.h"
#include "preload/record/kernel/fault_channel.h"

namespace oomcast::record {

struct WindowFill {
  uint64_t page = 0;            // the page that the thread waits for
  uint64_t start = 0, end = 0;  // the window around it
  enum class Kind {
    kFill,       // pages of memory
    kZero,       // the shared zero page, armed for writes
    kArmZero,    // second step of kZero: the pages are mapped, and have to be armed
    kUnprotect,  // the pages are present and armed: makes them writable
  } kind = Kind::kFill;
  uint64_t sentinel = 0;  // the page at the window's far end that stays armed, or 0
  bool of_heap = false;   // the heap's userfaultfd reported the fault, and has to wake the thread
  uint32_t tid = 0;       // the thread
};

/// Carries out the fill and marks its pages in `pages`. `wake`: wakes threads that wait there (kZero and kArmZero
/// always do). On kRetry and kNoMemory `fill` is changed to what is left to do. Adds to `filled_pages` the pages that
/// were filled.
FaultResult carry_out(WindowFill& fill, FaultChannel& channel, PageStates& pages, bool wake, uint64_t* filled_pages);

}  // namespace oomcast::record
