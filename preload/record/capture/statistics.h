// Counts the recorder's work, for `--log debug`: the counts show first where the time of a slow run goes.
#pragma once

#include <cstdint>

namespace oomcast::record {

struct Statistics {
  uint64_t wake_ups = 0;          // returns of epoll_wait with something to do
  uint64_t fault_reads = 0;       // reads of a userfaultfd that gave messages
  uint64_t write_faults = 0;      // first writes, a window each
  uint64_t read_faults = 0;       // first reads
  uint64_t protected_faults = 0;  // writes to sentinels, pages left behind, zero pages and watched pages
  uint64_t filled_pages = 0;
  uint64_t pages_stashed = 0, stashed_faults = 0;  // taken out of the page table; uses of such pages
  uint64_t requests = 0;                           // questions of the library
  uint64_t notes = 0;                              // records of the ring
  uint64_t clock_reads = 0;
  uint64_t scans_of_mappings = 0, scans_of_counts = 0,
           scan_ns = 0;          // scans that read all mappings; others; time in both
  uint64_t code_references = 0;  // watched pages of program text that were found in use
  uint64_t walks_closed = 0;     // walks closed with prefilled pages left
};

}  // namespace oomcast::record
