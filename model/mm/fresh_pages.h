// Handles first writes to neighbouring pages at once, where no allocation has to look further than its CPU's lists.
//
// Does what touch_page() (fault.h) does page by page, and nothing else: a way to be quick, not a rule of the kernel.
#pragma once

#include "model/mm/kernel.h"

namespace oomcast::mm {

/// Maps up to `most` pages from `vpn` on that were never used. Returns how many; 0: touch_page() has to handle `vpn`.
/// The CPU time of their faults is the caller's to add. REQUIRES: nothing happens on the host meanwhile
/// (Sched::alone_for()).
int64_t touch_fresh_pages(Kernel& k, host::ProcessIndex process, uint64_t vpn, int64_t most);

}  // namespace oomcast::mm
