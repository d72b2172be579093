// ScanPlanner: decides when a process is scanned next, and for what. See scan_planner.h.
#include "preload/record/capture/scan_planner.h"

#include <algorithm>
#include <utility>

#include "preload/record/kernel/pages.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kScanMinNs = 5'000'000, kScanMaxNs = 50'000'000, kWholeScanNs = 200'000'000;
constexpr uint64_t kScanShare = 20, kShareOfAll = 10;  // of a CPU's time: a twentieth for one process, a tenth for all
constexpr int64_t kCountSlackPages = 64, kLeastNewsPages = 4;  // a smaller change is none: of lagging, of exact counts
constexpr int64_t kNewsPart = 2048;

/// Resident pages beyond the known ones: data that libraries have written, and unreported touches.
int64_t unseen_pages(const Process& process) {
  const auto known = process.pages.count(PageBit::kTouched) + process.prefilled_pages();
  return static_cast<int64_t>(process.resident.rss_bytes / kPage) - static_cast<int64_t>(known);
}

bool mappings_changed(const Process& process) {
  return process.resident.size_pages != process.scans.size_pages ||
         process.resident.data_pages != process.scans.data_pages;
}

// The interval is chosen so that one scan finds less than 1/50 of the known pages. A peak between two scans is seen by
// RssSampler.
constexpr uint64_t kFoundPart = 50, kLeastKnownPages = (16 << 20) >> kPageShift;
constexpr uint64_t kPollingScanMinNs = 8'000'000, kPollingScanMaxNs = 50'000'000;

}  // namespace

int64_t ScanPlanner::news_pages(const Process& process) { return unseen_pages(process) - process.scans.unseen_pages; }

/// Pages by which the counts may lag. Kernels before 6.16 keep a part of the counts per CPU.
int64_t ScanPlanner::count_slack_pages(const Process& process) const {
  return counts_are_exact_ ? std::clamp(static_cast<int64_t>(process.resident.counted_pages) / kNewsPart,
                                        kLeastNewsPages, kCountSlackPages)
                           : kCountSlackPages;
}

/// The scope follows from what the kernel's counts show as mapped, unmapped, made writable, touched or freed without a
/// report. The counts may lag, so small changes are ignored, and everything is scanned now and then whatever they show.
ScanScope ScanPlanner::what_has_changed(const Process& process, uint64_t now_ns) const {
  const bool due = now_ns >= process.scans.whole_ns;
  if (process.tracker == TrackerKind::kWpAsync) return {Touches::kAll, true};
  const int64_t news = news_pages(process), slack = count_slack_pages(process);
  if (process.tracked_by_faults()) {
    if (due) return {Touches::kAll, true};
    // Frees are reported here, so a smaller count needs no scan.
    if (mappings_changed(process) || process.forks.group != 0 || news > slack) return {Touches::kAll, true};
    return {Touches::kNone, false};
  }
  const bool mappings = process.polled_whole()
                            ? now_ns >= process.scans.next_mappings_ns &&
                                  (mappings_changed(process) || now_ns >= process.scans.stale_mappings_ns)
                            : due || mappings_changed(process);
  if ((due || news < -slack) && now_ns >= process.scans.next_full_ns) return {Touches::kAll, mappings};
  return {news > slack || mappings ? Touches::kFresh : Touches::kNone, mappings};
}

uint64_t ScanPlanner::rest_after(uint64_t cpu_began_ns, uint64_t share) const {
  return clocks_.now_ns() + (clocks_.cpu_ns() - cpu_began_ns) * share * std::max<uint64_t>(processes_.size(), 2);
}

/// In the polling phase a short delay changes nothing.
uint64_t ScanPlanner::rest_in_polling_phase(const Process& process, uint64_t cpu_began_ns) const {
  constexpr uint64_t kPollingShare = 25;
  return process.in_polling_phase() ? rest_after(cpu_began_ns, kPollingShare) : 0;
}

void ScanPlanner::note_scanned(Process& process) { process.scans.unseen_pages = unseen_pages(process); }

/// The pause after a scan, as a multiple of the scan's time. No pause is needed while all scans have taken less than
/// their share: a short program is scanned often, a long one cheaply.
uint64_t ScanPlanner::rest_after_scan(uint64_t now_ns, uint64_t scanned_ns) {
  constexpr int64_t kBurstNs = 100'000'000;
  const auto earned = static_cast<int64_t>((now_ns - budget_at_ns_) / kShareOfAll);
  budget_at_ns_ = now_ns;
  budget_ns_ = std::max(std::min(budget_ns_ + earned, kBurstNs) - static_cast<int64_t>(scanned_ns), -kBurstNs);
  return budget_ns_ > 0 ? 0 : kShareOfAll * processes_.size();
}

/// A busy process is scanned often, a sleeping one seldom.
void ScanPlanner::set_next_scan(Process& process, uint64_t began, uint64_t took, Touches touches,
                                uint64_t tracked_before, uint64_t fed_ns) {
  const uint64_t now = clocks_.now_ns();
  // The sink's time depends on the program's touches and not on how often it is scanned: it is taken off.
  const uint64_t scanned = took - std::min(fed_ns, took);
  const uint64_t rest = rest_after_scan(now, scanned);
  if (touches == Touches::kAll)
    process.scans.whole_ns = began + std::max(kWholeScanNs, took * std::max(kScanShare, rest));
  if (process.in_polling_phase()) {
    process.scans.interval_ns = polling_interval_ns(process, began, tracked_before);
    process.scans.next_ns = now + std::max(process.scans.interval_ns, scanned * rest);
    process.scans.began_ns = began;
    return;
  }
  const uint64_t share = kShareOfAll * processes_.size();
  process.scans.interval_ns = process.scans.active ? kScanMinNs : std::min(process.scans.interval_ns * 2, kScanMaxNs);
  process.scans.next_ns = now + std::max(process.scans.interval_ns, scanned * std::max(kScanShare, share));
}

/// The interval in which the program, at the rate that the last scan has found, changes 1/50 of its known pages.
uint64_t ScanPlanner::polling_interval_ns(const Process& process, uint64_t now_ns, uint64_t tracked_before) const {
  const uint64_t tracked = process.resident.counted_pages;
  const uint64_t change = tracked > tracked_before ? tracked - tracked_before : tracked_before - tracked;
  if (process.scans.began_ns == 0) return kPollingScanMinNs;  // first scan: the rate is not known
  if (change == 0) return std::min(process.scans.interval_ns * 2, kPollingScanMaxNs);
  const uint64_t bearable = std::max(tracked, kLeastKnownPages) / kFoundPart;
  return std::clamp((now_ns - process.scans.began_ns) * bearable / change, kPollingScanMinNs, kPollingScanMaxNs);
}

}  // namespace oomcast::record
