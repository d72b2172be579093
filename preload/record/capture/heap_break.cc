// Follows the heap's break. See heap_break.h.
#include "preload/record/capture/heap_break.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace oomcast::record {

/// The heap ended at `to`: its memory above is reported as unmapped.
void HeapBreak::forget_above(Process& process, uint64_t to) {
  if (to < process.heap.start || to >= process.heap.end) return;
  mappings_.unmap(process, to, process.heap.end);
  process.heap.end = to;
}

/// No thread waits while a fall is noted, so the heap may have grown again by now. The thread that made it grow asks
/// and says where the break stood (on_break_moved); until then `fell_to` is kept.
void HeapBreak::take_fall(Process& process) {
  auto& fell = (*process.shared)->break_fell;
  if (fell.load(std::memory_order_relaxed) == 0) return;
  const uint64_t to = page_up(fell.exchange(0, std::memory_order_acquire));
  Vma vma;
  if (to < process.heap.start || to >= process.heap.end) return;
  if (process.memory->mapping_at(to, &vma))
    process.heap.fell_to = to;
  else
    forget_above(process, to);
}

/// Pages of [start, end) may have been freed and mapped again unseen. Present pages stay known, missing ones are
/// forgotten. The areas are kept: found again, they would seem to have been mapped by one request.
void HeapBreak::scan_again(Process& process, uint64_t start, uint64_t end) {
  std::vector<PageRange> known;
  process.map.for_each(start, end, [&](const Area& area) { known.emplace_back(area.start, area.end); });
  if (known.empty()) return;
  if (process.reports_frees()) mappings_.register_memory(process, start, end);
  poller_.reconcile(process, known);
}

void HeapBreak::take_growth(Process& process, const ring::Request& request) {
  if (request.bytes == 0) return;
  Vma grown;
  grown.start = page_down(request.address);
  grown.end = page_up(request.address + request.bytes);
  grown.readable = grown.writable = grown.one_request = true;
  if (process.heap.start == 0) process.heap.start = grown.start;
  // Known pages above the old break: from before a fall (they are forgotten), or found by a scan since the heap grew
  // (they are scanned again).
  if (std::exchange(process.heap.fell_to, 0) == page_up(request.address))
    forget_above(process, page_up(request.address));
  else
    scan_again(process, page_up(request.address), grown.end);
  // Another thread may have let the break fall further and not have noted it yet. The kernel shows it: unregistered
  // heap memory is a mapping of its own.
  Vma top;
  const Area* below = process.map.find(grown.start - kPage);
  if (below != nullptr && below->registered && process.heap_fd.valid() &&
      !process.map.gaps(grown.start, grown.end).empty() && process.memory->mapping_at(grown.end - kPage, &top) &&
      top.start < grown.start) {
    scan_again(process, std::max(top.start, process.heap.start), grown.start);
  }
  const auto task = process.tasks.find(request.tid);
  // The walk touched its prefilled pages before the heap grew.
  if (task != process.tasks.end()) windows_.report_walked_to_break(process, *task->second, grown.start);
  process.heap.end = std::max(process.heap.end, grown.end);
  mappings_.learn(process, grown, false);
  if (task != process.tasks.end()) windows_.continue_at_break(process, *task->second, grown.start, grown.end);
}

}  // namespace oomcast::record
