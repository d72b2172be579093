// Tells which pages of a guest have content other than zeroes, without waiting for a page fault.
//
// Reading a missing page of registered memory is a fault that only the recorder can answer. In the recorder,
// process_vm_readv() would wait for that answer for ever. A read of /proc/PID/mem does not wait: its
// get_user_pages_remote() may not drop mmap_lock, so handle_userfault() fails the fault (no FAULT_FLAG_ALLOW_RETRY),
// and the read ends with EIO.
#pragma once

#include <cstdint>
#include <vector>

#include "preload/record/guest/page_states.h"
#include "preload/record/kernel/memory_view.h"

namespace oomcast::record {

class GuestContent {
 public:
  /// For each page of [start, end): whether it has the bit, is present, and has content. `memory`: of the guest.
  std::vector<bool> of(const MemoryView& memory, const PageStates& pages, PageBit bit, uint64_t start, uint64_t end);
  /// Pages read so far.
  uint64_t pages_read() const { return pages_read_; }

 private:
  std::vector<char> buffer_;
  uint64_t pages_read_ = 0;
};

}  // namespace oomcast::record
