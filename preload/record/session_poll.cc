// What did a process touch, by the kernel's own page tables? For what no fault tells: the wp-async and pagemap trackers,
// mappings that cannot be registered, and memory that was there before tracking.
#include <algorithm>

#include "preload/record/session.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kQuietNs = 200'000'000;
constexpr uint64_t kLeastSharedBytes = 256 << 10;

}  // namespace

uint8_t map_flags(const Area& area) {
  return static_cast<uint8_t>((area.shared ? 0 : trace::kPrivate) | (area.anonymous ? trace::kAnonymous : 0) | (area.writable ? trace::kWritable : 0) |
                              (area.no_reserve ? trace::kNoReserve : 0) | (area.stack ? trace::kStack | trace::kGrowsDown : 0));
}

/// Compares what is resident with what is counted, and feeds the difference. `ranges`: in order. Those that lie close
/// together are scanned at one go, with what is between them: libraries make some sixty of a few pages each.
void Session::reconcile_all(Process& process, const std::vector<PageRange>& ranges) {
  std::vector<PageRange> runs;
  for (size_t first = 0, last = 0; first < ranges.size(); first = last) {
    last = end_of_close_ones(ranges, first);
    runs.clear();
    scan_resident(process.pagemap.get(), ranges[first].first, ranges[last - 1].second, [&](uint64_t from, uint64_t to) { runs.emplace_back(from, to); });
    for (size_t i = first; i < last; ++i) reconcile(process, ranges[i], runs);
  }
  note_tracked(process);
}

/// `runs`: what is resident in the range and around it.
void Session::reconcile(Process& process, PageRange range, const std::vector<PageRange>& runs) {
  const auto [start, end] = range;
  std::vector<PageRange> fresh;
  std::vector<PageRange> gone;
  uint64_t resident_until = start;
  const auto absent = [&](uint64_t from, uint64_t to) {
    if (from >= to) return;
    process.pages.for_each(PageBit::kTouched, from, to, [&](uint64_t address) {
      if (!gone.empty() && gone.back().second == address) gone.back().second += kPage;
      else gone.emplace_back(address, address + kPage);
    });
  };
  for_each_inside(runs, range, [&](uint64_t from, uint64_t to) {
    absent(resident_until, from);
    resident_until = to;
    process.pages.for_each_unseen(from, to, [&](uint64_t fresh_start, uint64_t fresh_end) {
      if (!fresh.empty() && fresh.back().second == fresh_start) fresh.back().second = fresh_end;
      else fresh.emplace_back(fresh_start, fresh_end);
    });
  });
  absent(resident_until, end);
  for (const auto& [from, to] : gone) {
    process.pages.clear(from, to);
    if (process.shared) process.shared->touched.set(from, to, false);
    feed_simple(process, trace::EventKind::kAdviseDontneed, from, to - from);
  }
  for (const auto& [from, to] : fresh) {
    if (Area* area = process.map.find(from); area != nullptr && !area->announced) {
      // A read-only private file mapping with pages of its own: relocated data, made read-only afterwards.
      forget_mapped_files(process, area->start, area->end);
      area->announced = true;
      feed_simple(process, trace::EventKind::kMap, area->start, area->bytes(), 0, map_flags(*area));
    }
    process.pages.touch(from, to);
    note_found(process, (to - from) / kPage);
    if (process.shared) process.shared->touched.set(from, to, true);
    trace::Event event = stamped(process, nullptr, trace::EventKind::kTouch);
    event.address = from;
    event.bytes = to - from;
    event.flags = trace::kWrite | trace::kPresent;
    event.stack_id = stack_of(process, from);
    feed(event);
    found_feed_ns_ += monotonic_ns() - event.time_ns;
  }
}

/// The resolution that the report states: how far apart two looks at a busy process were at most.
void Session::note_poll(Process& process, uint64_t now_ns) {
  const uint64_t since = process.last_poll_ns != 0 ? now_ns - process.last_poll_ns : 0;
  if (!process.tracked_by_faults() && process.active && since < kQuietNs) summary_.resolution_ns = std::max(summary_.resolution_ns, since);
  process.last_poll_ns = now_ns;
}

/// What of the ranges has no page yet: who looks only there does not notice what was given back elsewhere.
std::vector<PageRange> Session::without_pages(const Process& process, const std::vector<PageRange>& ranges) {
  std::vector<PageRange> runs;
  for (const auto& [start, end] : ranges) process.pages.for_each_unseen(start, end, [&](uint64_t from, uint64_t to) { runs.emplace_back(from, to); });
  return runs;
}

/// What no fault tells. `whole`: also what is read-only now; it may have been written before.
void Session::poll_touches(Process& process, Look look, bool whole) {
  std::vector<PageRange> polled, shared;
  for (const auto& [start, area] : process.map.areas()) {
    if (area.registered && process.tracked_by_faults()) continue;
    if (area.shared) shared.emplace_back(area.start, area.end);
    else if (area.anonymous || area.writable || whole) polled.emplace_back(area.start, area.end);
  }
  const bool fresh_only = look < Look::kAllTouches;
  reconcile_all(process, fresh_only ? without_pages(process, polled) : polled);
  // Shared memory is the larger part of many a database: it is looked at when it has grown by a little.
  const bool more_shared = process.shared_bytes > process.polled_shared_bytes + std::max(process.polled_shared_bytes / 128, kLeastSharedBytes);
  if (fresh_only && !more_shared) return;
  process.polled_shared_bytes = process.shared_bytes;
  for (const auto& [start, end] : shared) reconcile_shared(process, start, end);
  if (fresh_only) return;
  poll_copies(process, whole);
  if (process.tracker == TrackerKind::kWpAsync) poll_watches(process);
}

/// wp-async: a watched page whose protection is gone was written since the last poll.
void Session::poll_watches(Process& process) {
  if (process.pages.count(PageBit::kWatched) == 0) return;
  std::vector<std::pair<uint64_t, uint64_t>> watched;
  for (const auto& [start, area] : process.map.areas()) {
    if (!area.registered) continue;
    process.pages.for_each(PageBit::kWatched, area.start, area.end, [&](uint64_t address) {
      if (!watched.empty() && watched.back().second == address) watched.back().second += kPage;
      else watched.emplace_back(address, address + kPage);
    });
  }
  for (const auto& [from, to] : watched)
    scan_written(process.pagemap.get(), from, to, [&](uint64_t start, uint64_t end) {
      for (uint64_t at = start; at < end; at += kPage) process.pages.set(PageBit::kWatched, at, false);
      feed_simple(process, trace::EventKind::kReference, start, end - start, 0, trace::kWrite);
    });
}

/// The program is about to give this memory back: what it touched there and nobody has looked at yet counts.
void Session::poll_before_free(Process& process, uint64_t start, uint64_t end) {
  if (process.tracked_by_faults()) return;
  std::vector<std::pair<uint64_t, uint64_t>> areas;
  process.map.for_each(start, end, [&](Area& area) { areas.emplace_back(area.start, area.end); });
  for (const auto& [from, to] : areas) {
    const Area* area = process.map.find(from);
    if (area != nullptr && area->shared) reconcile_shared(process, from, to);
    else reconcile_all(process, {{from, to}});
  }
}

}  // namespace oomcast::record
