// Applies a touch, or a later use, of pages to the host. See apply_event.h.
#include <algorithm>
#include <iterator>

#include "model/mm/fault.h"
#include "model/mm/fresh_pages.h"
#include "model/sim/apply_event.h"

namespace oomcast::sim {

using host::ProcessIndex;
using trace::Event;
using trace::EventKind;

// Whether the page lies in a refused mapping; goes on to the last page of it then, however large it is.
bool EventApplier::skip_refused(ProcessIndex index, uint64_t& vpn) const {
  const auto ranges = refused_.find(index);
  if (ranges == refused_.end()) return false;
  const auto next = ranges->second.upper_bound(vpn << kPageShift);
  if (next == ranges->second.begin() || std::prev(next)->second <= vpn << kPageShift) return false;
  vpn = (std::prev(next)->second - 1) >> kPageShift;
  return true;
}

// Does the address lie in a mapping of a file without pages in the model? Such a file never leaves the memory of the
// target; a use of it takes nothing.
bool EventApplier::in_file_without_pages(ProcessIndex index, uint64_t address) const {
  const host::AddressSpace::Mapping* const mapping = k_.host.processes[index].space.mapping_of(address);
  return mapping != nullptr && !mapping->anonymous && mapping->file == host::kNoFile;
}

// A touch with kTouchedBefore makes its pages resident and does not count them as touched once more. Other processes
// may run meanwhile; what they touch stays counted.
void EventApplier::touch(const Event& event, ProcessIndex index) {
  const int64_t before = k_.host.processes[index].touched_pages;
  touch_pages(event, index);
  if (event.kind != EventKind::kTouch || (event.flags & trace::kTouchedBefore) == 0) return;
  k_.host.guest_touched -= k_.host.processes[index].touched_pages - before;
  k_.host.processes[index].touched_pages = before;
}

void EventApplier::touch_pages(const Event& event, ProcessIndex index) {
  const uint64_t first = event.address >> kPageShift;
  const uint64_t last = (event.address + std::max<uint64_t>(event.bytes, 1) + kPageBytes - 1) >> kPageShift;
  const bool write = (event.flags & (trace::kWrite | trace::kPresent)) != 0 || event.kind == EventKind::kReference;
  const bool reference_read = event.kind == EventKind::kReference && (event.flags & trace::kWrite) == 0;
  if (programs_in_memory_ && !write && in_file_without_pages(index, event.address)) return;
  for (uint64_t vpn = first; vpn < last; ++vpn) {
    if (write && !reference_read && last - vpn > 1) vpn += touch_at_once(index, vpn, first, last);
    if (vpn == last) return;
    if (skip_refused(index, vpn)) continue;
    if (!mm::touch_page(k_, index, vpn, write && !reference_read)) return;
    note_peaks();
    if (is_point(first, vpn)) k_.sched.point();
  }
}

// A window of touches took time: others run in it.
bool EventApplier::is_point(uint64_t first, uint64_t vpn) {
  return (vpn - first) % kPagesPerPoint == kPagesPerPoint - 1;
}

// Touches fresh pages from `vpn` on, as long as nothing else happens on the host. Returns how many. An event touches
// the pages of [first, last).
uint64_t EventApplier::touch_at_once(ProcessIndex index, uint64_t vpn, uint64_t first, uint64_t last) {
  if (!k_.host.processes[index].space.get(vpn).is_none() || refused_.contains(index)) return 0;
  auto most = static_cast<int64_t>(std::min(last - vpn, kPagesAtOnce));
  if (!k_.sched.alone_for(k_.costs.fault * most))
    most = std::min(most, static_cast<int64_t>(kPagesPerPoint - (vpn - first) % kPagesPerPoint));
  const auto pages = static_cast<uint64_t>(mm::touch_fresh_pages(k_, index, vpn, most));
  if (pages == 0) return 0;
  note_peaks();
  for (uint64_t i = 0; i < pages; ++i) {
    k_.sched.cpu(k_.costs.fault);
    if (is_point(first, vpn + i)) k_.sched.point();
  }
  return pages;
}

}  // namespace oomcast::sim
