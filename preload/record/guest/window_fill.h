// The answer to one fault: a window of pages that is filled, mapped as zeroes or made writable, around the page that a
// thread waits for.
#pragma once

#include <cstdint>

#include "preload/record/guest/page_states.h"
#include "preload/record/kernel/fault_channel.h"

namespace oomcast::record {

struct WindowFill {
  uint64_t page = 0;            // that the thread waits for
  uint64_t start = 0, end = 0;  // the window around it
  enum class Kind {
    kFill,       // pages of memory
    kZero,       // the shared zero page, armed for writes
    kArmZero,    // what is left of kZero once the pages are mapped
    kUnprotect,  // the pages are there and armed: let writes through
  } kind = Kind::kFill;
  uint64_t sentinel = 0;  // the page at the window's far end that is to be armed, or 0
  bool of_heap = false;   // by whose userfaultfd the thread has to be woken
  uint32_t tid = 0;       // the thread
};

/// Does what the fill says and notes it in `pages`. `wake`: threads that wait there go on (kinds kZero and kArmZero
/// always wake). On kRetry and kNoMemory the fill is what is left to be done. Adds to `filled_pages` what became
/// memory.
FaultResult carry_out(WindowFill& fill, FaultChannel& channel, PageStates& pages, bool wake, uint64_t* filled_pages);

}  // namespace oomcast::record
