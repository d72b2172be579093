// Follows the heap's break. glibc moves it by itself, past every hook: growth is asked about before it is used, a fall
// is noticed by the library once the call that made it is over, and read here.
//
// The heap has a userfaultfd of its own without UFFD_FEATURE_EVENT_UNMAP: with it each fall holds its caller until we
// have read the event, and a program that frees its objects one by one lets the break fall page by page (Python: 10
// times slower).
#include "preload/record/capture/heap_break.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace oomcast::record {

/// What lay above is gone, whatever comes there next.
void HeapBreak::forget_above(Process& process, uint64_t to) {
  if (to < process.heap.start || to >= process.heap.end) return;
  mappings_.unmap(process, to, process.heap.end);
  process.heap.end = to;
}

/// The note of a fall holds no thread: by now the heap may have grown again. Who made it grow asks, and says where it
/// stood (on_break_moved).
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

/// Of [start, end) it is not known which pages have gone and come again: those that are there stay known, and the rest
/// is forgotten. Nothing is forgotten as a whole: memory that is found again would seem to have been mapped at one
/// go.
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
  // What is known above where the break stood is of before a fall, or a scan has been there since it grew.
  if (std::exchange(process.heap.fell_to, 0) == page_up(request.address))
    forget_above(process, page_up(request.address));
  else
    scan_again(process, page_up(request.address), grown.end);
  // Another thread may have let it fall further before, and not yet said so: the kernel keeps what is not registered
  // yet apart from what is.
  Vma top;
  const Area* below = process.map.find(grown.start - kPage);
  if (below != nullptr && below->registered && process.heap_fd.valid() &&
      !process.map.gaps(grown.start, grown.end).empty() && process.memory->mapping_at(grown.end - kPage, &top) &&
      top.start < grown.start) {
    scan_again(process, std::max(top.start, process.heap.start), grown.start);
  }
  const auto task = process.tasks.find(request.tid);
  // What the walk has touched it has touched while the heap ended there.
  if (task != process.tasks.end()) windows_.report_walked_to_break(process, *task->second, grown.start);
  process.heap.end = std::max(process.heap.end, grown.end);
  mappings_.learn(process, grown, false);
  if (task != process.tasks.end()) windows_.continue_at_break(process, *task->second, grown.start, grown.end);
}

}  // namespace oomcast::record
