// Decides when each touch begins to be held: once the model is near its next watermark. Far from it nothing depends on the order
// of single touches: the page tables are looked at every few milliseconds, and the program runs at its own speed.
//
// Near is for good: a program that comes down again is still held, so that its next climb is seen as exactly.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "preload/record/kernel/proc_maps.h"
#include "preload/record/session.h"

namespace oomcast::record {
namespace {

// Two threads touch fresh memory at 2 GB/s at most here, and a look may be 50 ms late: a look then brings no more than an
// eighth of what is left, the rule that windows keep too. Faster programs are held earlier.
constexpr uint64_t kNearPages = (uint64_t{1} << 30) >> kPageShift;
constexpr uint64_t kTicksAhead = 16;
// Before so much is given back the program lets us look: a millisecond's worth of touches.
constexpr uint64_t kFarFreeBytes = 1 << 20, kPolledFreeBytes = 64 << 10;

// A look is to find no more than a fiftieth of what is known. What it misses of a peak the sampled counts show.
constexpr uint64_t kFoundPart = 50, kLeastKnownPages = (16 << 20) >> kPageShift;
constexpr uint64_t kFarSweepMinNs = 8'000'000, kFarSweepMaxNs = 50'000'000;

constexpr uint64_t kOthersPart = 8, kLeastMissedBytes = 1 << 20;  // fewer may be files that were unmapped unseen
constexpr uint64_t kNewbornsPatienceNs = 150'000'000;  // longer than discover_children() waits
constexpr uint64_t kMissedPart = 128;
constexpr uint64_t kMostFaultNs = 6'000;

/// Of all its threads, to 10 ms.
uint64_t system_time_ns(uint32_t pid) {
  const uint64_t ticks = stat_field(read_line_of("/proc/" + std::to_string(pid) + "/stat"), 15).value_or(0);
  return ticks * (1'000'000'000 / static_cast<uint64_t>(::sysconf(_SC_CLK_TCK)));
}

/// Valgrind runs one thread of a process at a time. The measurement has one thread wait in a page fault, where valgrind does
/// not notice that it waits, for another that then never runs.
bool runs_under_valgrind() {
  const char* const preloaded = ::getenv("LD_PRELOAD");
  return preloaded != nullptr && std::string_view(preloaded).find("/vgpreload_") != std::string_view::npos;
}

}  // namespace

bool Session::is_near() const { return sink_.headroom_pages() < std::max(kNearPages, kTicksAhead * std::max(most_found_pages_, found_pages_)); }

/// One that waited has been served: the next time we want to be on its CPU.
void Session::serve_near(uint32_t pid, uint32_t tid) { near_cpu_.served(pid, tid, {loop_tid_, doorbell_.answering_tid()}); }

/// Takes some ten milliseconds, for which no program waits that is never held.
void Session::measure_cost() {
  if (runs_under_valgrind()) return;
  cost_ = measure_tracking_cost();
  spdlog::debug("tracking costs the guest {} ns of CPU per fault and keeps it off for {} ns, {} ns per request", cost_.fault_cpu_ns, cost_.fault_off_cpu_ns, cost_.request_cpu_ns);
}

/// Registers all memory of all processes: what is touched from now on faults, what is there by now is counted.
void Session::come_near() {
  measure_cost();
  near_ = true;
  sampler_.stop();
  go_first();
  notes_.end_polling_phase(monotonic_ns() - began_ns_);
  spdlog::debug("{} pages before the next watermark: touches are held from now on", sink_.headroom_pages());
  for (auto& [pid, process] : processes_) {
    if (process->tracker != TrackerKind::kUserfaultfd) continue;
    process->near = true;
    say_what_to_ask(*process);
    sweep(*process, true);
    // Memory that was only read so far: its first write must not pass unseen. What was written meanwhile is found.
    std::vector<PageRange> registered;
    for (const auto& [start, area] : process->map.areas())
      if (area.registered) registered.emplace_back(area.start, area.end);
    for (const auto& [start, end] : registered) reconcile_all(*process, arm_zeroes(*process, start, end));
  }
}

/// How long the program may go on unseen, by what the last look has found.
uint64_t Session::far_interval_ns(const Process& process, uint64_t now_ns, uint64_t tracked_before) const {
  const uint64_t tracked = process.counted_pages;
  const uint64_t change = tracked > tracked_before ? tracked - tracked_before : tracked_before - tracked;
  if (process.swept_ns == 0) return kFarSweepMinNs;  // in how long it has come to this nobody knows
  if (change == 0) return std::min(process.sweep_interval_ns * 2, kFarSweepMaxNs);
  const uint64_t bearable = std::max(tracked, kLeastKnownPages) / kFoundPart;
  return std::clamp((now_ns - process.swept_ns) * bearable / change, kFarSweepMinNs, kFarSweepMaxNs);
}

/// The most that a process has had at once, by the kernel's word (VmHWM). Files and shared memory count in it too, and may have
/// been unmapped since: as many as there ever were.
uint64_t Session::most_own_pages(const Process& process) {
  const uint64_t most = number_behind(read_whole_path(proc_of(process.pid, process.memory_tid) + "status"), "VmHWM:") * 1024 / kPage;
  return most - std::min(most, sampler_.most_shared_pages(process.pid));
}

uint64_t Session::sampled_shared_pages() const {
  uint64_t pages = 0;
  for (const auto& [pid, process] : processes_) pages += process->sampled_shared_bytes / kPage;
  return pages;
}

/// What was there between two scans and is gone again: reported as unattributed memory that is touched and given back, so that the
/// target is as full as it would have been.
void Session::tell_peak(Process& process, const PeakMeter::Unattributed& missed) {
  if (missed.pages() == 0) return;
  summary_.tracked_peak_bytes = std::max(summary_.tracked_peak_bytes, (tracked_pages_ + missed.pages()) * kPage);
  spdlog::debug("a peak of {} own pages, {} of which no scan has found, {} of these touched for the first time", peak_.peak_pages(), missed.pages(), missed.touched_first);
  feed_unattributed(process, 0, missed.touched_before, trace::kTouchedBefore);
  feed_unattributed(process, missed.touched_before, missed.touched_first, 0);
  feed_simple(process, trace::EventKind::kUnmap, kNobodysMemory, missed.pages() * kPage);
}

void Session::feed_unattributed(Process& process, uint64_t first_page, uint64_t pages, uint8_t flags) {
  if (pages == 0) return;
  trace::Event event = stamped(process, nullptr, trace::EventKind::kTouch);
  event.address = kNobodysMemory + first_page * kPage;
  event.bytes = pages * kPage;
  event.flags = trace::kWrite | trace::kPresent | flags;
  feed(event);
}

/// A child that lives on is met soon, and what it has with it. Children come without end in a shell script, so this ends, too.
bool Session::waits_for_newborns() {
  if (std::none_of(processes_.begin(), processes_.end(), [](const auto& entry) { return !entry.second->newborns.empty(); })) return false;
  const uint64_t now = monotonic_ns();
  if (newborns_due_ns_ == 0) newborns_due_ns_ = now + kNewbornsPatienceNs;
  return now < newborns_due_ns_;
}

/// By the counts that were sampled since the last time. What has only grown since a process's last look is looked for first, in its own
/// place: reported as unattributed, it would be touched twice. `last`: nothing can wait for a cheaper time.
void Session::tell_sampled_peak(bool last) {
  if (!samples_peaks()) return;
  if (!last && (monotonic_ns() < next_peak_look_ns_ || waits_for_newborns())) return;
  newborns_due_ns_ = 0;
  const RssSampler::Peak peak = sampler_.take();
  if (peak.summed_pages == 0) return;
  if (peak_.is_news(peak.highest.pages)) look_at_peak(true);
  // Who had most of it may have ended while this waited: the target was as full all the same.
  Process* const fullest = find(peak.pid);
  if (Process* process = fullest != nullptr || processes_.empty() ? fullest : processes_.begin()->second.get()) tell_peak(*process, peak_.report(peak.highest));
  // Of the highest sum all is known but what `tell_peak()` has not reported.
  const uint64_t summed = peak.summed_pages + sampled_shared_pages(), untold = peak.pages_then - std::min(peak.pages_then, peak_.peak_pages());
  summary_.rss_peak_bytes = std::max(summary_.rss_peak_bytes, summed * kPage);
  summary_.tracked_peak_bytes = std::max(summary_.tracked_peak_bytes, (summed - untold) * kPage);
}

/// Of one process that has nearly all, the kernel remembers also what no sample has met.
void Session::tell_remembered_peak(Process& process) {
  if (peak_.resident_pages() - process.own_pages > process.own_pages / kOthersPart) return;
  const uint64_t most = most_own_pages(process), own = most - std::min(most, process.inherited_pages);
  if (own > peak_.peak_pages() + std::max(kLeastMissedBytes / kPage, peak_.peak_pages() / kMissedPart)) {
    tell_peak(process, peak_.report_remembered(own));
    summary_.rss_peak_bytes = std::max(summary_.rss_peak_bytes, most * kPage);
  }
}

/// Before the mappings are looked at: what the program maps after it has read the old word is there by then.
void Session::say_what_to_ask(Process& process) {
  if (!process.shared) return;
  SharedMapping& area = *process.shared;
  area->ask_before_free_bytes.store(process.tracked_by_faults() ? UINT64_MAX : process.tracker == TrackerKind::kUserfaultfd ? kFarFreeBytes : kPolledFreeBytes);
  area->ask_before_use.store(process.tells_frees() || options_.refuse_enomem ? 1 : 0);
}

/// Pages that a look has found. Each was a fault of this machine.
void Session::note_found(Process& process, uint64_t pages) {
  found_pages_ += pages;
  process.unpaid_faults += pages;
}

/// What those faults cost is somewhere between the least that was measured and all that the process has spent in the kernel:
/// memory that this machine has not used yet may cost thrice as much (a virtual machine gets it from its host first).
void Session::charge_native_faults(Process& process) {
  if (process.unpaid_faults == 0) return;
  const uint64_t spent_ns = system_time_ns(process.pid), since_ns = spent_ns - std::min(process.system_ns, spent_ns);
  process.system_ns = spent_ns;
  process.native_fault_ns += std::clamp(since_ns, process.unpaid_faults * native_fault_ns_, process.unpaid_faults * std::max(kMostFaultNs, native_fault_ns_));
  process.unpaid_faults = 0;
}

/// The part of a thread's CPU time that went into such faults: the model has its own cost for them. Which thread made them
/// is not known: whoever computes first pays.
uint64_t Session::take_native_faults(Process& process, uint64_t of_ns) {
  const uint64_t taken = std::min(process.native_fault_ns, of_ns);
  process.native_fault_ns -= taken;
  return taken;
}

}  // namespace oomcast::record
