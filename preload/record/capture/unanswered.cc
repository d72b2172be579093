// Tries again to answer faults that the kernel does not let the recorder answer, and at last lets their memory go, so
// that the kernel serves them. No thread waits longer than UnansweredFaults allows.
//
// mremap() of locked memory populates the new pages before its REMAP event can be read: mm_populate() comes before
// mremap_userfaultfd_complete(). Until the event is read, every answer in that address space fails with EAGAIN. That
// memory is let go at the second try, and registered again once the event has been read.
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "preload/record/capture/window_filler.h"
#include "preload/record/kernel/proc_file.h"

namespace oomcast::record {
namespace {

constexpr uint32_t kMostFailures = 8;  // after so many mappings let go, the process is polled
constexpr size_t kMostMoves = 256;     // calls of mremap() that are remembered at a time

/// The number of the system call that the thread is in; -1: none, or not known. For a thread that has ended the read
/// fails.
long system_call_of(uint32_t pid, uint32_t tid) {
  const std::string text = read_line_of(proc_of_thread(pid, tid) + "syscall");
  return text.empty() || text[0] < '0' || text[0] > '9' ? -1 : std::strtol(text.c_str(), nullptr, 10);
}

bool overlap(const PageRange& one, const PageRange& other) {
  return one.first < other.second && other.first < one.second;
}

}  // namespace

/// `event_read`: an event has been read since, perhaps the one that blocked the answers.
void WindowFiller::try_again(Process& process, bool event_read) {
  windows_.close_pending(process);
  if (process.held.unanswered.empty()) return;
  for (const WindowFill& fill : process.held.unanswered.take(clocks_.now_ns(), event_read)) {
    if (!process.fault_fd.valid()) return;
    if (Stash::has_any(process, fill.page, fill.page + kPage)) {
      process.fd_of(fill.of_heap).wake(fill.page, fill.page + kPage);  // the thread faults again, and the stash answers
      continue;
    }
    if (system_call_of(process.pid, fill.tid) != SYS_mremap) {
      finish_fill(process, fill);
      continue;
    }
    ++notes_.let_go_moves;
    const PageRange mapping = let_go(process, fill, false);
    if (mapping == PageRange()) continue;
    if (process.held.let_go.size() < kMostMoves) process.held.let_go.push_back(mapping);
    process.held.unanswered.answered(fill.tid);
  }
}

void WindowFiller::keep_or_let_go(Process& process, const WindowFill& fill, FaultResult result) {
  switch (process.held.unanswered.failed(fill, result, clocks_.now_ns())) {
    case UnansweredFaults::Next::kTryAgain:
      return;
    case UnansweredFaults::Next::kWake:
      process.fd_of(fill.of_heap).wake(fill.page, fill.page + kPage);
      return;
    case UnansweredFaults::Next::kLetGo:
      break;
  }
  ++notes_.let_go_faults;
  spdlog::warn("process {} ({}): the fault of thread {} at {:#x} has no answer ({}): its mapping is let go",
               process.pid, process.comm, fill.tid, fill.page, static_cast<int>(result));
  let_go(process, fill, true);
  if (++process.held.failures >= kMostFailures) stop_holding(process);
}

/// Unregisters the mapping that holds the page, and returns it; empty: nothing was let go. The whole mapping is
/// unregistered, because mremap() fails on a mapping that was split. The next scan of the mappings registers it again.
/// Memory with pages in the stash is not let go: the kernel would fill the missing pages. `at_last`: the thread has
/// waited for as long as a thread may. If it waits inside mremap(), its memory is locked and cannot be in the stash:
/// stashed pages there belong to earlier memory and are dropped.
PageRange WindowFiller::let_go(Process& process, const WindowFill& fill, bool at_last) {
  Vma vma;
  PageRange mapping(fill.page, fill.page + kPage);
  if (process.memory->mapping_at(fill.page, &vma)) mapping = {vma.start, vma.end};
  OptionalChannel& channel = process.fd_of(fill.of_heap);
  stash_.bring_back(process, mapping.first, mapping.second);
  if (Stash::has_any(process, mapping.first, mapping.second)) {
    if (!at_last || system_call_of(process.pid, fill.tid) != SYS_mremap) {
      channel.wake(fill.page, fill.page + kPage);
      return {};
    }
    stash_.drop_now(process, mapping.first, mapping.second);
  }
  const bool released = channel.unregister_range(mapping.first, mapping.second);
  process.map.for_each(mapping.first, mapping.second, [](Area& area) { area.registered = false; });
  channel.wake(fill.page, fill.page + kPage);
  // Without a mapping no thread waits there. Else the kernel refuses this call too: the userfaultfd is closed.
  if (!released && vma.end != 0) stop_holding(process);
  return mapping;
}

/// The mremap() to [start, end) is over: memory that was let go for it is registered again. Pages that the kernel
/// filled are counted, and write-protected pages are protected again.
void WindowFiller::take_back(Process& process, uint64_t start, uint64_t end) {
  std::vector<PageRange> back;
  std::erase_if(process.held.let_go, [&](const PageRange& range) {
    if (!overlap(range, {start, end})) return false;
    back.push_back(range);
    return true;
  });
  for (const auto& [from, to] : back) {
    process.map.for_each(from, to, [](Area& area) { area.registered = false; });
    Vma vma;
    for (uint64_t at = from; at < to && process.memory->mapping_at(at, &vma); at = vma.end)
      mappings_.learn(process, vma, false);
    std::vector<uint64_t> armed;
    for (const PageBit bit : {PageBit::kPrefilledArmed, PageBit::kWatched})
      process.pages.for_each(bit, from, to, [&armed](uint64_t address) { armed.push_back(address); });
    for (const uint64_t address : armed) process.fault_fd.protect(address, address + kPage, true, false);
    poller_.reconcile(process, windows_.arm_zeroes(process, from, to));
  }
}

/// The process cannot be held any more; a caveat says so.
void WindowFiller::stop_holding(Process& process) {
  if (!process.fault_fd.valid()) return;
  spdlog::warn("process {} ({}): touches are held no more, its memory is polled from now on", process.pid,
               process.comm);
  notes_.note_held_no_more(process.comm);
  poll_from_now_on(process);
}

/// Closing the userfaultfds unregisters all memory of the process and wakes its threads. From now on the process is
/// polled.
void WindowFiller::poll_from_now_on(Process& process) {
  stash_.end(process);
  process.fault_fd.reset();
  process.heap_fd.reset();
  process.tracker = TrackerKind::kPagemap;
  notes_.use_tracker(TrackerKind::kPagemap);
  process.held.unanswered.clear();
  process.held.free_advice.clear();
  process.held.let_go.clear();
  process.held.unclosed.clear();
  for (auto& [tid, task] : process.tasks) task->walks = {};
  process.map.for_each(0, ~uint64_t{0}, [](Area& area) { area.registered = false; });
  // From now on scans find writes to zero pages; watched pages are not watched any more.
  process.pages.clear_bit(PageBit::kZero);
  process.pages.clear_bit(PageBit::kWatched);
  poller_.note_where_to_scan(process);
  publish_ask_thresholds(process, refuse_enomem_);
  process.scans.next_ns = process.scans.whole_ns = process.scans.next_full_ns = process.scans.next_mappings_ns = 0;
}

}  // namespace oomcast::record
