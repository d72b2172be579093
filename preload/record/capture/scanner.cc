// Scanner: finds pages and mappings that no event reported, by reading /proc/PID/statm, /proc/PID/maps and the page
// tables. Also reads the thread clocks.
#include "preload/record/capture/scanner.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "preload/record/capture/tracking_cost.h"
#include "preload/record/kernel/kernel_text.h"
#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/proc_file.h"
#include "preload/record/kernel/sealed_memory.h"

namespace oomcast::record {
namespace {

// Where PAGEMAP_SCAN finds the pages, /proc/PID/maps is read only for committed memory, and an allocator may have
// 60,000 mappings. Reading it takes at most 1/40 of a CPU for all processes and 1/80 for one. kStaleNs: a changed
// mapping that leaves statm's sizes as they were is found by rereading once a second.
constexpr uint64_t kMappingsShare = 40, kStaleNs = 1'000'000'000;
// A walk with no fault for this long is closed. 100 ms is longer than a runnable thread waits for a CPU; closing too
// early costs faults on the pages that the walk had prefilled.
constexpr uint64_t kStalledNs = 100'000'000;
// After a scan at a peak the next waits 10 times as long as the scan took, so peak scans take at most 1/11 of the time.
constexpr uint64_t kPeakShare = 10;

constexpr uint64_t kPendingChildrenPatienceNs = 150'000'000;  // longer than discover_children() waits
constexpr uint64_t kMostFaultNs = 6'000;

/// System time of all threads of `pid`, with a resolution of 10 ms.
uint64_t system_time_ns(uint32_t pid) {
  const uint64_t ticks = stat_field(read_line_of(proc_of(pid) + "stat"), 15).value_or(0);
  return ticks * (1'000'000'000 / static_cast<uint64_t>(::sysconf(_SC_CLK_TCK)));
}

}  // namespace

/// `changed_only`: learns only mappings that differ from last_maps. REQUIRES then: the process is polled.
void Scanner::scan_mappings(Process& process, bool changed_only, bool whole) {
  const uint64_t cpu_began = clocks_.cpu_ns();
  std::vector<Vma> maps = process.memory->mappings();
  if (maps.empty()) return;
  if (process.stash.helper != nullptr)
    for (Vma& vma : maps)
      if (process.stash.helper->is_stash(vma.start)) vma.name = kStashName;
  process.ours.clear();
  process.scans.size_pages = process.resident.size_pages;
  process.scans.data_pages = process.resident.data_pages;
  // Areas missing from /proc/PID/maps whose unmapping no userfaultfd reported.
  uint64_t covered = 0;
  std::vector<std::pair<uint64_t, uint64_t>> gone;
  auto area = process.map.areas().begin();
  const auto uncovered = [&](uint64_t from, uint64_t to) {
    for (; area != process.map.areas().end() && area->first < to; ++area) {
      if (area->second.end > from)
        gone.emplace_back(std::max(area->second.start, from), std::min(area->second.end, to));
      if (area->second.end > to) break;  // the area continues behind the mapping at `to`
    }
  };
  for (const Vma& vma : maps) {
    if (vma.name.starts_with(kRingName)) process.ours.emplace_back(vma.start, vma.end);
    if ((vma.shared && !shared_memory_.is_shared_memory(vma)) || vma.special()) continue;
    if (vma.start > covered) uncovered(covered, vma.start);
    covered = vma.end;
  }
  uncovered(covered, ~uint64_t{0});
  for (const auto& [from, to] : gone) mappings_.unmap(process, from, to);
  for (const Vma& vma : maps)
    if (vma.heap()) process.heap.end = vma.end;
  if (changed_only)
    mappings_.learn_changed(process, maps);
  else
    mappings_.learn_all(process, maps, whole);
  poller_.find_relocated(process, maps);
  process.last_maps = std::move(maps);
  poller_.note_where_to_scan(process);
  process.scans.next_mappings_ns = planner_.rest_after(cpu_began, kMappingsShare);
  process.scans.stale_mappings_ns = clocks_.now_ns() + kStaleNs;
}

void Scanner::learn_locks(Process& process) {
  const uint64_t cpu_began = clocks_.cpu_ns();
  mappings_.learn_locks(process);
  process.scans.next_locks_ns = planner_.rest_after(cpu_began, kMappingsShare);
}

void Scanner::scan(Process& process, bool whole, bool last) {
  const uint64_t began = clocks_.now_ns(), cpu_began = clocks_.cpu_ns();
  poller_.note_poll(process, began);
  if (process.tracked_by_faults() && !whole) windows_.close_stalled(process, kStalledNs);
  reader_.drain(process);
  whole |= !process.scans.begun;
  process.scans.begun = true;
  const uint64_t tracked_before = process.resident.counted_pages;
  meter_.sample_resident(process);
  ScanScope scope = planner_.what_has_changed(process, began);
  if (whole)
    scope = {Touches::kAll, true};
  else if (last)
    scope.touches = Touches::kFresh;
  if (scope.mappings) scan_mappings(process, !whole && !process.tracked_by_faults(), whole);
  if (!process.shared && began >= process.scans.next_locks_ns) learn_locks(process);
  if (scope.touches != Touches::kNone) poller_.scan_touches(process, scope.touches, whole);
  // Last scan of this process: no later scan would find shared memory that only this process has touched.
  if (last && process.maps_shared_memory) shared_memory_.scan(process);
  if ((last || scope.touches == Touches::kAll) && meter_.samples_peaks() &&
      (process.in_polling_phase() || !process.life.said_hello()))
    meter_.report_remembered_peak(process);
  // After the touches: a file mapping that was found to hold pages of the process's own is reported as memory.
  if (scope.mappings) mapped_files_.learn(process, process.last_maps);
  if (whole || (began >= process.scans.next_files_ns &&
                (process.resident.file_pages != process.scans.file_pages || began >= process.scans.files_due_ns)))
    mapped_files_.scan(process);
  if (began >= process.scans.next_io_ns) files_.scan(process);
  shared_memory_.settle_if_due(process, began);
  if (const std::string text = read_line(process.oom_score_adj.get()); !text.empty())
    if (const int64_t adj = std::atoll(text.c_str()); adj != process.adj) {
      process.adj = adj;
      feed_.report(process, trace::EventKind::kOomScoreAdj, static_cast<uint64_t>(adj), 0);
    }
  if (process.shared) {
    // A writer that died between claiming a slot and filling it would block the ring for ever.
    if (!process.shared->reader.stuck())
      process.shared->stuck_since_ns = 0;
    else if (process.shared->stuck_since_ns == 0)
      process.shared->stuck_since_ns = began;
    else if (began - process.shared->stuck_since_ns > 100'000'000)
      process.shared->reader.skip_one();
  }
  const uint64_t now = clocks_.now_ns();
  ++(scope.mappings ? count_.scans_of_mappings : count_.scans_of_counts);
  count_.scan_ns += now - began;
  planner_.set_next_scan(process, began, clocks_.cpu_ns() - cpu_began, scope.touches, tracked_before,
                         poller_.take_feed_ns());
  process.scans.active = false;
  feed_.arm_watches();
}

void Scanner::forget_native_faults(Process& process) { process.native = {0, system_time_ns(process.pid), 0}; }

/// The last scan before a process exits. It looks for the pages that exit will free; pages freed earlier need not be
/// found.
void Scanner::scan_last(Process& process) {
  process.scans.next_mappings_ns = process.scans.next_full_ns = process.scans.next_shared_ns =
      process.scans.next_files_ns = process.scans.next_io_ns = 0;
  scan(process, !process.polled_whole(), true);
}

/// Reports the CPU time of threads that took no fault, and the end of threads that are listed no more.
void Scanner::read_thread_clocks(Process& process, uint64_t now_ns, uint64_t ticks) {
  const std::vector<uint32_t> tids = numbers_in_directory(proc_of(process.pid) + "task");
  if (tids.empty()) return;
  charge_native_faults(process);
  for (const uint32_t tid : tids) {
    auto& task = process.tasks[tid];
    if (!task) task = std::make_unique<Task>(static_cast<pid_t>(process.pid), tid, now_ns);
    task->tick = ticks;
  }
  for (auto at = process.tasks.begin(); at != process.tasks.end();) {
    Task& task = *at->second;
    if (task.tick == ticks) {
      trace::Event event = feed_.stamp(process, &task, trace::EventKind::kClock, true);
      if (event.compute_ns > 1'000'000) process.scans.active = true;
      if (event.compute_ns + event.wait_ns > 0) feed_.feed(event);
      ++at;
      continue;
    }
    for (Walk& walk : task.walks) windows_.end_walk(process, task, walk);
    if (task.tid != process.pid) {
      trace::Event event = feed_.stamp(process, nullptr, trace::EventKind::kThreadExit);
      event.tid = task.tid;
      feed_.feed(event);
    }
    process.held.free_advice.end_call(task.tid);
    process.held.unanswered.answered(task.tid);
    at = process.tasks.erase(at);
  }
}

/// Called before a process frees memory: all processes together may be at their peak now.
void Scanner::scan_at_possible_peak() {
  if (clocks_.now_ns() >= next_peak_scan_ns_) scan_at_peak(false);
}

/// Scans each process that has grown since its last scan, if all processes together are at a new peak. `sampled_peak`:
/// RssSampler found the peak; otherwise the present counts decide.
void Scanner::scan_at_peak(bool sampled_peak) {
  const uint64_t now = clocks_.now_ns();
  for (auto& [pid, process] : processes_) meter_.read_resident(*process);
  if (sampled_peak || meter_.rises_above(meter_.rss_total_bytes(), meter_.tracked_peak_bytes())) scan_those_that_grew();
  const uint64_t scanned = clocks_.now_ns();
  next_peak_scan_ns_ = scanned + (scanned - now) * kPeakShare;
}

void Scanner::scan_those_that_grew() {
  for (auto& [pid, process] : processes_) {
    if (process->tracked_by_faults() || !process->scans.begun || ScanPlanner::news_pages(*process) <= 0) continue;
    poller_.scan_touches(*process, Touches::kFresh, false);
    if (process->resident.shared_bytes <= process->scans.shared_bytes) continue;
    shared_memory_.scan(*process);
    ScanPlanner::note_scanned(*process);
  }
}

/// Called while the program waits in a hook, before an exec or the ftruncate() of a file in memory: both take away
/// shared pages that the program has touched.
void Scanner::scan_shared_now(Process& process) {
  if (!process.scans.begun)
    scan(process, true);
  else if (process.maps_shared_memory || !shared_memory_.empty())
    mappings_.learn_shared(process, 0, kLowHalfEnd);
  shared_memory_.scan(process);
  // The coverage ratio compares the tracked peak with the kernel's, so the kernel's count is read before the pages go.
  meter_.sample_resident(process);
}

/// True while a peak has to wait for pending children: until each has become known or has ended, for at most 150 ms.
/// The limit is needed because a shell script forks without end.
bool Scanner::waits_for_pending_children() {
  if (std::none_of(processes_.begin(), processes_.end(),
                   [](const auto& entry) { return !entry.second->forks.pending_children.empty(); }))
    return false;
  const uint64_t now = clocks_.now_ns();
  if (pending_children_due_ns_ == 0) pending_children_due_ns_ = now + kPendingChildrenPatienceNs;
  return now < pending_children_due_ns_;
}

/// Reports the highest peak of the counts sampled since the last call. Processes that have grown since their last scan
/// are scanned first, so that their pages get addresses. Otherwise these pages would be reported twice, as unattributed
/// memory first. `last`: the report may not be put off.
void Scanner::report_sampled_peak(bool last) {
  if (!meter_.samples_peaks()) return;
  if (!last && (clocks_.now_ns() < next_peak_scan_ns_ || waits_for_pending_children())) return;
  pending_children_due_ns_ = 0;
  const RssSampler::Peak peak = meter_.sampler().take();
  if (peak.summed_pages == 0) return;
  if (meter_.peak().is_news(peak.highest.pages)) scan_at_peak(true);
  // The process with the largest part of the peak may have ended. The peak is then reported for another live process.
  Process* const fullest = processes_.find(peak.pid);
  if (Process* process = fullest != nullptr || processes_.empty() ? fullest : processes_.begin()->second.get())
    meter_.report_peak(*process, meter_.peak().report(peak.highest));
  meter_.note_sampled_sum(peak);
}

/// Charges faults that the kernel served itself: the process's system time since the last charge, but at least the
/// measured cost per fault and at most 6 us per fault, or the measured cost if that is higher. Memory that a virtual
/// machine has to get from its host first may cost three times the measured cost.
void Scanner::charge_native_faults(Process& process) {
  if (process.native.unpaid_faults == 0) return;
  const uint64_t spent_ns = system_time_ns(process.pid),
                 since_ns = spent_ns - std::min(process.native.system_ns, spent_ns);
  process.native.system_ns = spent_ns;
  process.native.cpu_ns += std::clamp(since_ns, process.native.unpaid_faults * native_fault_ns_,
                                      process.native.unpaid_faults * std::max(kMostFaultNs, native_fault_ns_));
  process.native.unpaid_faults = 0;
}

}  // namespace oomcast::record
