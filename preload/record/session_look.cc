// Decides when a process is looked at, and at what of it. The kernel's own counts say whether there is news; looks cost a part of
// a CPU, and are closest where memory grows and where it is about to fall.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "preload/record/kernel/living_thread.h"
#include "preload/record/session.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kSweepMinNs = 5'000'000, kSweepMaxNs = 50'000'000, kWholeSweepNs = 200'000'000;
constexpr uint64_t kSweepShare = 20, kShareOfAll = 10;  // of a CPU's time: a twentieth for one process, a tenth for all
constexpr int64_t kCountSlackPages = 64, kLeastNewsPages = 4;  // of counts that lag, and that do not
constexpr int64_t kNewsPart = 2048;
constexpr uint64_t kPeakShare = 10;           // of the time goes into such looks at most

/// Resident beyond what is known: what the libraries have written of their own data, and what nobody has told.
int64_t unseen_pages(const Process& process) {
  const auto known = process.pages.count(PageBit::kTouched) + process.filled_ahead();
  return static_cast<int64_t>(process.rss_bytes / kPage) - static_cast<int64_t>(known);
}

int64_t news_pages(const Process& process) { return unseen_pages(process) - process.swept_unseen_pages; }

bool mappings_changed(const Process& process) { return process.size_pages != process.swept_size_pages || process.data_pages != process.swept_data_pages; }

}  // namespace

/// A peak that is higher by this part of the last one is worth looking at all.
bool Session::rises_above(uint64_t bytes, uint64_t peak_bytes) { return bytes > peak_bytes + peak_bytes / 1024; }

/// Kernels before 6.16 keep the counts per CPU and may say up to so many pages too few.
int64_t Session::count_slack_pages(const Process& process) const {
  return counts_are_exact_ ? std::clamp(static_cast<int64_t>(process.counted_pages) / kNewsPart, kLeastNewsPages, kCountSlackPages) : kCountSlackPages;
}

/// Do the kernel's counts say that something was mapped, unmapped, made writable, touched or freed without our knowing?
/// They may lag: hence the allowance, and the look every now and then whatever they say.
Session::Look Session::what_has_changed(Process& process, uint64_t now_ns) {
  sample_rss(process);
  const bool due = now_ns >= process.whole_sweep_ns;
  if (process.tracker == TrackerKind::kWpAsync) return {Touches::kAll, true};
  const int64_t news = news_pages(process), slack = count_slack_pages(process);
  if (process.tracked_by_faults()) {
    if (due) return {Touches::kAll, true};
    // Where frees are told, less than before that we do not know of is no news.
    if (mappings_changed(process) || process.fork_group != 0 || news > slack) return {Touches::kAll, true};
    return {Touches::kNone, false};
  }
  const bool mappings = process.polled_whole() ? now_ns >= process.next_mappings_ns && (mappings_changed(process) || now_ns >= process.stale_mappings_ns)
                                               : due || mappings_changed(process);
  if ((due || news < -slack) && now_ns >= process.next_full_ns) return {Touches::kAll, mappings};
  return {news > slack || mappings ? Touches::kFresh : Touches::kNone, mappings};
}

/// When what has cost so much by now may be looked at again, if it is to take such a part of a CPU's time in all processes, and
/// half of that in one.
uint64_t Session::rest_after(uint64_t cpu_began_ns, uint64_t share) const {
  return monotonic_ns() + (thread_cpu_ns() - cpu_began_ns) * share * std::max<uint64_t>(processes_.size(), 2);
}

/// Nothing depends yet on what is heard a little late.
uint64_t Session::rest_while_far(const Process& process, uint64_t cpu_began_ns) const {
  constexpr uint64_t kShareWhileFar = 25;
  return process.far() ? rest_after(cpu_began_ns, kShareWhileFar) : 0;
}

/// What no look finds is no news until there is more of it.
void Session::note_looked(Process& process) { process.swept_unseen_pages = unseen_pages(process); }

/// How many times as long as it took must a look be away from the next? Not at all as long as looks have taken less than
/// their part of the time: a short program is looked at closely, one that runs on cheaply.
uint64_t Session::rest_after_look(uint64_t now_ns, uint64_t looked_ns) {
  constexpr int64_t kBurstNs = 100'000'000;
  const auto earned = static_cast<int64_t>((now_ns - sweep_budget_at_ns_) / kShareOfAll);
  sweep_budget_at_ns_ = now_ns;
  sweep_budget_ns_ = std::max(std::min(sweep_budget_ns_ + earned, kBurstNs) - static_cast<int64_t>(looked_ns), -kBurstNs);
  return sweep_budget_ns_ > 0 ? 0 : kShareOfAll * processes_.size();
}

/// Often while it is busy, seldom while it sleeps, and never more than a part of the time.
void Session::set_next_sweep(Process& process, uint64_t began, uint64_t took, Touches touches, uint64_t tracked_before) {
  const uint64_t now = monotonic_ns();
  // What the model makes of what was found comes with the program's own touches, however often we look.
  const uint64_t looked = took - std::min(std::exchange(found_feed_ns_, 0), took);
  const uint64_t rest = rest_after_look(now, looked);
  if (touches == Touches::kAll) process.whole_sweep_ns = began + std::max(kWholeSweepNs, took * std::max(kSweepShare, rest));
  if (process.far()) {
    process.sweep_interval_ns = far_interval_ns(process, began, tracked_before);
    process.next_sweep_ns = now + std::max(process.sweep_interval_ns, looked * rest);
    process.swept_ns = began;
    return;
  }
  const uint64_t share = kShareOfAll * processes_.size();
  process.sweep_interval_ns = process.active ? kSweepMinNs : std::min(process.sweep_interval_ns * 2, kSweepMaxNs);
  process.next_sweep_ns = now + std::max(process.sweep_interval_ns, looked * std::max(kSweepShare, share));
}

/// One process is about to give memory back: all of them together may never again have as much as now.
void Session::look_at_possible_peak() {
  if (monotonic_ns() >= next_peak_look_ns_) look_at_peak(false);
}

/// Those that have grown since their last scan are scanned, if all of them together have more than ever before: by the sampled counts
/// (`sampled_peak`), or as they are now.
void Session::look_at_peak(bool sampled_peak) {
  const uint64_t now = monotonic_ns();
  for (auto& [pid, process] : processes_) read_rss(*process);
  if (sampled_peak || rises_above(rss_total_bytes_, summary_.tracked_peak_bytes)) look_at_those_that_grew();
  const uint64_t looked = monotonic_ns();
  next_peak_look_ns_ = looked + (looked - now) * kPeakShare;
}

void Session::look_at_those_that_grew() {
  for (auto& [pid, process] : processes_) {
    if (process->tracked_by_faults() || !process->looked_at || news_pages(*process) <= 0) continue;
    poll_touches(*process, Touches::kFresh, false);
    if (process->shared_bytes <= process->polled_shared_bytes) continue;
    poll_shared(*process);
    note_looked(*process);
  }
}

/// RssShmem less what our own ring has of it. What statm calls shared is told apart here, too.
uint64_t Session::shared_memory_bytes(Process& process) {
  if (!process.maps_shared_memory) return 0;
  const std::string status = read_whole_path(proc_of(process.pid, process.memory_tid) + "status");
  if (status.find("RssShmem:") == std::string::npos) return 0;
  process.file_pages = number_behind(status, "RssFile:") * 1024 / kPage;
  uint64_t ours = 0;
  for (const auto& [start, end] : process.ours) scan_shared(process.pagemap.get(), start, end, [&](uint64_t from, uint64_t to) { ours += to - from; });
  const uint64_t bytes = number_behind(status, "RssShmem:") << 10;
  return process.shared_bytes = bytes > ours ? bytes - ours : 0;
}

/// Of all processes at one time, when one of them has made it a new peak: another may have fallen since it was sampled.
void Session::sample_rss(Process& process) {
  read_rss(process);
  if (rises_above(rss_total_bytes_, summary_.rss_peak_bytes))
    for (auto& [pid, other] : processes_)
      if (other.get() != &process) read_rss(*other);
  summary_.rss_peak_bytes = std::max(summary_.rss_peak_bytes, rss_total_bytes_);
}

/// The thread whose files were read has left by pthread_exit(): those of one that runs on tell of the same memory. False: there is none.
bool Session::follow_living_thread(Process& process) {
  const uint32_t tid = living_thread(process.pid);
  if (tid == 0 || tid == process.memory_tid || (tid == process.pid && process.memory_tid == 0)) return false;
  process.memory_tid = tid;
  process.statm.belong_to(process.pid, tid);
  // A file of these that tells anything is of the address space, whoever opened it.
  for (ProcFile* file : {&process.maps, &process.pagemap, &process.mem})
    if (!file->tells()) file->belong_to(process.pid, tid);
  return true;
}

void Session::read_rss(Process& process) {
  process.touched_since_sample = 0;
  Resident now = resident_of(read_line(process.statm.get()));
  if (now.size_pages == 0 && follow_living_thread(process)) now = resident_of(read_line(process.statm.get()));
  if (!now.known) return;
  process.size_pages = now.size_pages;
  process.data_pages = now.data_pages;
  // The same figure as at the last sample tells nothing new of what is shared.
  if (now.shared_pages != process.statm_shared_pages) {
    process.statm_shared_pages = process.file_pages = now.shared_pages;
    process.sampled_shared_bytes = shared_memory_bytes(process);
  }
  const uint64_t bytes = now.own_pages * kPage + process.sampled_shared_bytes;
  if (bytes > process.rss_bytes) process.active = true;
  rss_total_bytes_ += bytes - process.rss_bytes;
  process.rss_bytes = bytes;
}

}  // namespace oomcast::record
