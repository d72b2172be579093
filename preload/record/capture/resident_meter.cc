// ResidentMeter: how much memory all processes have, by the pages that were seen and by the kernel's counts.
#include "preload/record/capture/resident_meter.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "preload/record/kernel/kernel_text.h"
#include "preload/record/kernel/page_scan.h"
#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/proc_file.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kOthersPart = 8, kLeastMissedBytes = 1 << 20;  // less may be files that were unmapped unseen
constexpr uint64_t kMissedPart = 128;
constexpr size_t kMostPendingChildren = 8;

}  // namespace

/// At a new peak of the total the other processes are counted anew: their counts are from their last scans.
void ResidentMeter::update(Process& process) {
  recount(process);
  if (rises_above(tracked_pages_ * kPage, tracked_peak_bytes_))
    for (auto& [pid, other] : processes_) {
      if (other.get() == &process || !other->polled_whole()) continue;
      read_resident(*other);
      recount(*other);
    }
  tracked_peak_bytes_ = std::max(tracked_peak_bytes_, tracked_pages_ * kPage);
  if (peak_.resident_pages() > peak_.peak_pages()) prefilled_bytes_ = prefilled_pages_ * kPage;
  peak_.note_resident();
  if (samples_peaks()) sampler_.set_known(peak_.known());
}

void ResidentMeter::recount(Process& process) {
  const uint64_t known = process.pages.count(PageBit::kTouched);
  // Pages found by a scan may be gone since: no more are counted than the kernel counts.
  const uint64_t now = process.polled_whole() && process.resident.rss_bytes != 0
                           ? std::min(known, process.resident.rss_bytes / kPage)
                           : known;
  if (now > process.resident.counted_pages) {
    process.resident.touched_since_sample += now - process.resident.counted_pages;
    const TrackerKind kind = process.in_polling_phase() ? TrackerKind::kPagemap : process.tracker;
    notes_.add_seen_pages(kind, now - process.resident.counted_pages);
  }
  tracked_pages_ += now - process.resident.counted_pages;
  const uint64_t filled = process.prefilled_pages();
  process.resident.inherited_prefilled_pages = std::min(process.resident.inherited_prefilled_pages, filled);
  const uint64_t prefilled = filled - process.resident.inherited_prefilled_pages;
  prefilled_pages_ += prefilled - process.resident.prefilled_pages;
  process.resident.prefilled_pages = prefilled;
  process.resident.counted_pages = now;
  process.resident.inherited_pages = std::min(process.resident.inherited_pages, now);
  const uint64_t own = now - std::min(now, process.resident.shared_known_pages + process.resident.inherited_pages);
  peak_.change_resident(process.resident.own_pages, own);
  process.resident.own_pages = own;
}

void ResidentMeter::stop_sampling() {
  samples_peaks_ = false;
  sampler_.stop();
}

void ResidentMeter::forget(Process& process) {
  rss_total_bytes_ -= process.resident.rss_bytes;
  sampler_.forget(process.pid);
  for (const auto& [child, pages] : process.forks.pending_children) pending_child_pages_ -= pages;
}

uint64_t ResidentMeter::latest_bytes() const {
  const uint64_t sampled_pages = samples_peaks_ ? sampler_.last_pages() : 0;
  return std::max({rss_total_bytes_, (tracked_pages_ + prefilled_pages_) * kPage, sampled_pages * kPage});
}

void ResidentMeter::note_sampled_sum(const RssSampler::Peak& peak) {
  // All pages of the highest sum count as tracked, but those that report_peak() has not reported.
  const uint64_t summed = peak.summed_pages + sampled_shared_pages();
  const uint64_t unreported = peak.pages_then - std::min(peak.pages_then, peak_.peak_pages());
  rss_peak_bytes_ = std::max(rss_peak_bytes_, summed * kPage);
  tracked_peak_bytes_ = std::max(tracked_peak_bytes_, (summed - unreported) * kPage);
}

bool ResidentMeter::rises_above(uint64_t bytes, uint64_t peak_bytes) { return bytes > peak_bytes + peak_bytes / 1024; }

/// RssShmem without the shared area of the library. Also reads RssFile, since statm gives only the sum of both.
uint64_t ResidentMeter::shared_memory_bytes(Process& process) {
  if (!process.maps_shared_memory) return 0;
  const std::string status = process.memory->status();
  if (status.find("RssShmem:") == std::string::npos) return 0;
  process.resident.file_pages = number_behind(status, "RssFile:") * 1024 / kPage;
  uint64_t ours = 0;
  for (const auto& [start, end] : process.ours)
    process.memory->scan(ScanKind::kShared, start, end, [&](uint64_t from, uint64_t to) { ours += to - from; });
  const uint64_t bytes = number_behind(status, "RssShmem:") << 10;
  return process.resident.shared_bytes = bytes > ours ? bytes - ours : 0;
}

/// At a new peak all processes are read at one time: another one may have shrunk since it was read.
void ResidentMeter::sample_resident(Process& process) {
  read_resident(process);
  if (rises_above(rss_total_bytes_, rss_peak_bytes_))
    for (auto& [pid, other] : processes_)
      if (other.get() != &process) read_resident(*other);
  rss_peak_bytes_ = std::max(rss_peak_bytes_, rss_total_bytes_);
}

void ResidentMeter::read_resident(Process& process) {
  process.resident.touched_since_sample = 0;
  Resident now = process.memory->resident();
  if (now.size_pages == 0 && process.memory->follow_living_thread()) now = process.memory->resident();
  if (!now.known) return;
  process.resident.size_pages = now.size_pages;
  process.resident.data_pages = now.data_pages;
  // RssShmem is read again only if statm's shared pages have changed.
  if (now.shared_pages != process.resident.statm_shared_pages) {
    process.resident.statm_shared_pages = process.resident.file_pages = now.shared_pages;
    process.resident.sampled_shared_bytes = shared_memory_bytes(process);
  }
  const uint64_t bytes = now.own_pages * kPage + process.resident.sampled_shared_bytes;
  if (bytes > process.resident.rss_bytes) process.scans.active = true;
  rss_total_bytes_ += bytes - process.resident.rss_bytes;
  process.resident.rss_bytes = bytes;
}

/// The most private pages that a process has had at once, by VmHWM. VmHWM includes files and shared memory, so the most
/// that a sample has seen of those is taken off.
uint64_t ResidentMeter::most_own_pages(const Process& process) {
  const uint64_t most = number_behind(process.memory->status(), "VmHWM:") * 1024 / kPage;
  return most - std::min(most, sampler_.most_shared_pages(process.pid));
}

uint64_t ResidentMeter::sampled_shared_pages() const {
  uint64_t pages = 0;
  for (const auto& [pid, process] : processes_) pages += process->resident.sampled_shared_bytes / kPage;
  return pages;
}

void ResidentMeter::report_peak(Process& process, const PeakMeter::Unattributed& missed) {
  if (missed.pages() == 0) return;
  tracked_peak_bytes_ = std::max(tracked_peak_bytes_, (tracked_pages_ + missed.pages()) * kPage);
  spdlog::debug("a peak of {} own pages, {} of which no scan has found, {} of these touched for the first time",
                peak_.peak_pages(), missed.pages(), missed.touched_first);
  report_unattributed(process, 0, missed.touched_before, trace::kTouchedBefore);
  report_unattributed(process, missed.touched_before, missed.touched_first, 0);
  feed_.report(process, trace::EventKind::kUnmap, kUnattributedMemory, missed.pages() * kPage);
}

void ResidentMeter::report_unattributed(Process& process, uint64_t first_page, uint64_t pages, uint8_t flags) {
  if (pages == 0) return;
  trace::Event event = feed_.stamp(process, nullptr, trace::EventKind::kTouch);
  event.address = kUnattributedMemory + first_page * kPage;
  event.bytes = pages * kPage;
  event.flags = trace::kWrite | trace::kPresent | flags;
  feed_.feed(event);
}

void ResidentMeter::report_remembered_peak(Process& process) {
  if (peak_.resident_pages() - process.resident.own_pages > process.resident.own_pages / kOthersPart) return;
  const uint64_t most = most_own_pages(process), own = most - std::min(most, process.resident.inherited_pages);
  if (own > peak_.peak_pages() + std::max(kLeastMissedBytes / kPage, peak_.peak_pages() / kMissedPart)) {
    report_peak(process, peak_.report_remembered(own));
    rss_peak_bytes_ = std::max(rss_peak_bytes_, most * kPage);
  }
}

void ResidentMeter::note_pending_child(Process& parent, uint32_t pid) {
  if (processes_.find(pid) != nullptr) return;
  if (parent.forks.pending_children.size() >= kMostPendingChildren)
    forget_pending_child(parent, parent.forks.pending_children.begin()->first);
  parent.forks.pending_children[pid] = 0;
  sampler_.has_forked(parent.pid);
}

/// A child counts with its private pages, at most as many as its parent has.
void ResidentMeter::count_pending_children(Process& parent) {
  for (auto at = parent.forks.pending_children.begin(); at != parent.forks.pending_children.end();) {
    const auto [pid, counted] = *at++;
    const uint64_t own = resident_of(read_line_of(proc_of(pid) + "statm")).own_pages,
                   pages = std::min(own, parent.resident.counted_pages);
    pending_child_pages_ += pages - counted;
    parent.forks.pending_children[pid] = pages;
    if (own == 0) forget_pending_child(parent, pid);
  }
  tracked_peak_bytes_ = std::max(tracked_peak_bytes_, (tracked_pages_ + pending_child_pages_) * kPage);
  rss_peak_bytes_ = std::max(rss_peak_bytes_, rss_total_bytes_ + pending_child_pages_ * kPage);
}

void ResidentMeter::forget_pending_child(Process& parent, uint32_t pid) {
  const auto at = parent.forks.pending_children.find(pid);
  if (at == parent.forks.pending_children.end()) return;
  pending_child_pages_ -= at->second;
  parent.forks.pending_children.erase(at);
}

}  // namespace oomcast::record
