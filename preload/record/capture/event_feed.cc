// EventFeed: the only way to the sink. Stamps events with the time of their thread, feeds them, and arms the watches
// that the sink asks for.
#include "preload/record/capture/event_feed.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "model/trace/comm.h"
#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/proc_file.h"

namespace oomcast::record {
trace::Event EventFeed::stamp(Process& process, Task* task, trace::EventKind kind, bool force_clock) {
  trace::Event event;
  event.kind = kind;
  event.pid = process.pid;
  event.tid = task != nullptr ? task->tid : process.pid;
  event.time_ns = clocks_.now_ns();
  if (task != nullptr) {
    TaskClock::Span span;
    if ((force_clock || task->clock.due(event.time_ns, process.in_polling_phase())) &&
        !in_file_call(process, *task, event.time_ns) && task->clock.read(cost_, event.time_ns, &span)) {
      ++count_.clock_reads;
      event.compute_ns = span.compute_ns - take_native_faults(process, span.compute_ns);
      event.wait_ns = span.wait_ns;
    }
    task->clock.seen(event.time_ns);
  }
  return event;
}

void EventFeed::feed(const trace::Event& event) {
  ++events_;
  sink_.feed(event);
  sink_.take_watches(watches_);
  sink_.take_kills(kills_);
  if (!kills_.empty()) {
    for (const trace::KillRequest& kill : kills_)
      if (Process* process = processes_.find(kill.pid); process != nullptr && kill_on_oom_)
        ::syscall(SYS_pidfd_send_signal, process->pidfd.get(), SIGKILL, nullptr, 0);
    kills_.clear();
  }
}

void EventFeed::report(Process& process, trace::EventKind kind, uint64_t address, uint64_t bytes, uint64_t argument,
                       uint8_t flags) {
  trace::Event event = stamp(process, nullptr, kind);
  event.address = address;
  event.bytes = bytes;
  event.argument = argument;
  event.flags = flags;
  if (kind == trace::EventKind::kTouch)
    report_touch(process, event);
  else
    feed(event);
}

void EventFeed::read_comm(Process& process) {
  std::string comm = read_line_of(proc_of(process.pid) + "comm");
  if (!comm.empty() && comm.back() == '\n') comm.pop_back();
  if (comm.empty()) return;
  process.comm = comm;
  report_comm(process);
}

void EventFeed::report_comm(Process& process) {
  const auto [first, second] = trace::comm_words(process.comm);
  report(process, trace::EventKind::kComm, first, second);
}

void EventFeed::arm_watches() {
  if (watches_.empty()) return;
  notes_.armed_watches = true;
  for (trace::WatchRequest& watch : watches_) watch.address = page_down(watch.address);
  // Pages that are gone, or were never registered, cannot be watched.
  std::erase_if(watches_, [&](const trace::WatchRequest& watch) {
    Process* process = processes_.find(watch.pid);
    if (process != nullptr) watch_text(*process, watch.address);
    return process == nullptr || !process->fault_fd.write_protects() ||
           !process->pages.test(PageBit::kTouched, watch.address);
  });
  std::sort(watches_.begin(), watches_.end(), [](const trace::WatchRequest& a, const trace::WatchRequest& b) {
    return a.pid != b.pid ? a.pid < b.pid : a.address < b.address;
  });
  const auto same = [](const trace::WatchRequest& a, const trace::WatchRequest& b) {
    return a.pid == b.pid && a.address == b.address;
  };
  watches_.erase(std::unique(watches_.begin(), watches_.end(), same), watches_.end());
  leave_control_blocks_out();
  for (size_t i = 0; i < watches_.size();) {
    Process& process = *processes_.find(watches_[i].pid);
    std::vector<uint64_t> pages;
    for (; i < watches_.size() && watches_[i].pid == process.pid; ++i)
      if (!process.pages.test(PageBit::kStashed, watches_[i].address)) pages.push_back(watches_[i].address);
    stash_.take_out(process, &pages);
    protect(process, pages);
  }
  watches_.clear();
}

void EventFeed::protect(Process& process, const std::vector<uint64_t>& pages) {
  std::vector<PageRange> runs;
  for (const uint64_t page : pages) {
    process.pages.set(PageBit::kWatched, page, true);
    append(&runs, page, page + kPage);
  }
  for (const auto& [start, end] : runs) {
    if (process.fault_fd.protect(start, end, true, false) == FaultResult::kDone) continue;
    // Part of the run may lie in a mapping of another kind: page by page then.
    for (uint64_t address = start; address < end; address += kPage)
      if (process.fault_fd.protect(address, address + kPage, true, false) != FaultResult::kDone)
        process.pages.set(PageBit::kWatched, address, false);
  }
}

void EventFeed::watch_again(const Process& process, const std::vector<uint64_t>& pages) {
  for (const uint64_t page : pages) watches_.push_back({process.pid, page});
}

/// REQUIRES: the watches are in order of their processes.
void EventFeed::leave_control_blocks_out() {
  Process* process = nullptr;
  bool known = false;
  std::erase_if(watches_, [&](const trace::WatchRequest& watch) {
    if (process == nullptr || process->pid != watch.pid) {
      process = processes_.find(watch.pid);
      const bool robust = process->shared && (*process->shared)->robust_mutexes.load(std::memory_order_relaxed) != 0;
      notes_.robust_mutexes |= robust;
      known = !robust && process->control_blocks.refresh(process->pid, clocks_.now_ns());
    }
    return !known || process->control_blocks.holds(watch.address);
  });
}

void EventFeed::report_touch(const Process& process, trace::Event event) {
  const uint64_t end = event.address + event.bytes;
  while (event.address < end) {
    Sites::Run run = sites_.at(process, event.address, end);
    for (Sites::Run more; run.end < end && (more = sites_.at(process, run.end, end)).id == run.id;) run.end = more.end;
    event.stack_id = run.id;
    event.bytes = run.end - event.address;
    feed(event);
    event.address = run.end;
    event.compute_ns = event.wait_ns = 0;
  }
}

}  // namespace oomcast::record
