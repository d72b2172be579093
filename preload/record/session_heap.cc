// Follows the heap's break. glibc moves it by itself, past every hook: growth is asked about before it is used, a fall is
// noticed by the library once the call that made it is over, and looked up here.
//
// The heap has a userfaultfd of its own without UFFD_FEATURE_EVENT_UNMAP: with it each fall holds its caller until we have
// read the event, and a program that frees its objects one by one lets the break fall page by page (Python: 10 times slower).
#include <algorithm>
#include <utility>
#include <vector>

#include "preload/record/session.h"

namespace oomcast::record {
/// The heap as /proc shows it, in one mapping or in several.
void Session::note_heap(Process& process, const Vma& vma) {
  if (process.heap_start == 0 || vma.start < process.heap_start) process.heap_start = vma.start;
  process.break_end = std::max(process.break_end, vma.end);
}

/// What lay above is gone, whatever comes there next.
void Session::break_fell(Process& process, uint64_t to) {
  if (to < process.heap_start || to >= process.break_end) return;
  on_unmap(process, to, process.break_end);
  process.break_end = to;
}

/// Only told, nobody waits: by now the heap may have grown again. Who made it grow asks, and says where it stood (on_break_moved).
void Session::look_at_break(Process& process) {
  auto& told = (*process.shared)->break_fell;
  if (told.load(std::memory_order_relaxed) == 0) return;
  const uint64_t to = page_up(told.exchange(0, std::memory_order_acquire));
  Vma vma;
  if (to < process.heap_start || to >= process.break_end) return;
  if (query_map(process.maps.get(), to, &vma)) process.fell_to = to;
  else break_fell(process, to);
}

/// Of [start, end) it is not known which pages have gone and come again: those that are there stay known, and the rest is forgotten.
/// Nothing is forgotten as a whole: memory that is found again would look as if it had been mapped at one go.
void Session::look_again(Process& process, uint64_t start, uint64_t end) {
  std::vector<PageRange> known;
  process.map.for_each(start, end, [&](const Area& area) { known.emplace_back(area.start, area.end); });
  if (known.empty()) return;
  if (process.tells_frees()) register_memory(process, start, end);
  reconcile_all(process, known);
}

void Session::on_break_moved(Process& process, const ring::Request& request) {
  if (request.bytes == 0) return;
  Vma grown;
  grown.start = page_down(request.address);
  grown.end = page_up(request.address + request.bytes);
  grown.readable = grown.writable = grown.one_request = true;
  if (process.heap_start == 0) process.heap_start = grown.start;
  // What is known above where the break stood is of before a fall, or a look has been there since it grew.
  if (std::exchange(process.fell_to, 0) == page_up(request.address)) break_fell(process, page_up(request.address));
  else look_again(process, page_up(request.address), grown.end);
  // Another thread may have let it fall further before, and not yet said so: the kernel keeps what is not registered yet
  // apart from what is.
  Vma top;
  const Area* below = process.map.find(grown.start - kPage);
  if (below != nullptr && below->registered && process.heap_fd.valid() && !process.map.gaps(grown.start, grown.end).empty() &&
      query_map(process.maps.get(), grown.end - kPage, &top) && top.start < grown.start) {
    look_again(process, std::max(top.start, process.heap_start), grown.start);
  }
  const auto task = process.tasks.find(request.tid);
  // What the walk has touched it has touched while the heap ended there.
  if (task != process.tasks.end()) tell_walked_to_break(process, *task->second, grown.start);
  process.break_end = std::max(process.break_end, grown.end);
  learn(process, grown, false);
  if (task != process.tasks.end()) continue_at_break(process, *task->second, grown.start, grown.end);
}

}  // namespace oomcast::record
