// PagePoller: finds the pages that a process has touched by scanning its page tables. See page_poller.h.
#include "preload/record/capture/page_poller.h"

#include <algorithm>
#include <utility>

#include "preload/record/kernel/pages.h"
#include "preload/record/kernel/sealed_memory.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kQuietNs = 200'000'000;
constexpr uint64_t kLeastSharedBytes = 32 << 10, kSharedPart = 256;
constexpr uint64_t kHugeBytes = 2 << 20;
constexpr uint64_t kLeastSpared = 1 << 20;          // read-only mappings of files this large are not scanned
constexpr uint64_t kLeastAnonymous = 128 << 10;     // anonymous mappings this large are scanned by ScanKind::kAnonymous
constexpr uint64_t kScanEnd = kLowHalfEnd - kPage;  // the kernel's TASK_SIZE_MAX: a scan beyond it is refused
constexpr uint64_t kFullShare = 20, kBearablePart = 8;
constexpr uint64_t kSoonNs = 1'000'000;
constexpr uint64_t kMovedBytes = 1 << 20;  // more new pages than the kernel's count allows: some were moved

/// Whether one scan of the whole address space costs less than a call for each of so many ranges. V8 has its memory in
/// pieces of 256 KiB all over the address space.
bool is_worth_one_scan(const Process& process, size_t ranges) {
  return ranges * kScanCallNs > (process.resident.rss_bytes / kPage + process.resident.file_pages) * kScanAnonymousNs;
}

/// Appends the known pages of [from, to) that are not in the stash.
void append_touched(std::vector<PageRange>* runs, const PageStates& pages, uint64_t from, uint64_t to) {
  if (from < to)
    pages.for_each(PageBit::kTouched, from, to, [&](uint64_t address) {
      if (!pages.test(PageBit::kStashed, address)) append(runs, address, address + kPage);
    });
}

}  // namespace

/// `all` is the whole address space but for large mappings that cannot hold memory of the process's own. So a scan
/// needs no list of mappings, of which an allocator may have tens of thousands.
void PagePoller::note_where_to_scan(Process& process) {
  process.polled.all.clear();
  process.polled.anonymous.clear();
  process.polled.doubtful.clear();
  if (process.reports_frees() || !process.memory->scans_fast() || !process.memory->queries_mappings()) return;
  uint64_t from = 0, doubtful_from = 0;
  const auto up_to = [](std::vector<PageRange>* ranges, uint64_t* reached, uint64_t start, uint64_t end) {
    if (*reached < start) ranges->emplace_back(*reached, start);
    *reached = std::max(*reached, end);
  };
  for (const Vma& vma : process.last_maps) {
    const bool constant = vma.inode != 0 && !vma.writable && vma.start < kScanEnd;
    if (constant) up_to(&process.polled.doubtful, &doubtful_from, vma.start, vma.end);
    const uint64_t bytes = vma.start < kScanEnd ? vma.end - vma.start : 0;
    const bool large = bytes >= kLeastSpared;
    if (vma.anonymous() && bytes >= kLeastAnonymous)
      process.polled.anonymous.emplace_back(vma.start, vma.end);
    else if (!shared_memory_.is_shared_memory(vma) && !vma.name.starts_with(kRingName) &&
             !(large && !vma.writable && vma.inode != 0))
      continue;
    up_to(&process.polled.all, &from, vma.start, vma.end);
    if (!constant) up_to(&process.polled.doubtful, &doubtful_from, vma.start, vma.end);
  }
  process.polled.all.emplace_back(from, kScanEnd);
  process.polled.doubtful.emplace_back(doubtful_from, kScanEnd);
}

/// Relocated data are pages of the process's own in a read-only mapping that is too large to be scanned each time.
/// Nothing writes there again, so one scan of a new mapping finds them all.
void PagePoller::find_relocated(Process& process, const std::vector<Vma>& maps) {
  if (process.reports_frees()) return;
  auto before = process.last_maps.begin();
  std::vector<PageRange> fresh;
  for (const Vma& vma : maps) {
    while (before != process.last_maps.end() && before->start < vma.start) ++before;
    const bool known = before != process.last_maps.end() && *before == vma;
    const bool constant = vma.inode != 0 && !vma.shared && !vma.writable && !vma.executable && vma.start < kScanEnd;
    if (!known && constant && vma.end - vma.start >= kLeastSpared) fresh.emplace_back(vma.start, vma.end);
  }
  if (!fresh.empty()) reconcile(process, fresh);
}

/// Ranges whose touches no fault reports. `whole`: also mappings that are read-only by now, as they may have been
/// written before.
std::vector<PageRange> PagePoller::polled_ranges(const Process& process, bool whole) const {
  if (process.polled_whole()) return process.polled.all;
  std::vector<PageRange> polled;
  for (const auto& [start, area] : process.map.areas()) {
    if ((area.registered && process.tracked_by_faults()) || area.shared) continue;
    if (area.anonymous || area.writable || whole) polled.emplace_back(area.start, area.end);
  }
  return polled;
}

void PagePoller::add_fresh(const Process& process, uint64_t from, uint64_t to, PageChanges* out) {
  process.pages.for_each_unseen(from, to, [&](uint64_t start, uint64_t end) {
    append(&out->fresh, start, end);
    out->fresh_pages += (end - start) / kPage;
  });
}

/// Appends the differences between page table and known pages. `ranges`: in order. Ranges that lie close together are
/// scanned with one call, together with the gaps between them: libraries make some sixty ranges of a few pages each.
void PagePoller::add_changes(Process& process, const std::vector<PageRange>& ranges, ScanKind kind, PageChanges* out) {
  const uint64_t along = kind == ScanKind::kAnonymous ? kAlongAnonymous : kAlongAnyKind;
  const auto absent = [&](uint64_t from, uint64_t to) { append_touched(&out->gone, process.pages, from, to); };
  std::vector<PageRange> runs;
  for (size_t first = 0, last = 0; first < ranges.size(); first = last) {
    last = end_of_close_ones(ranges, first, along);
    runs.clear();
    const uint64_t known_to = process.memory->scan(kind, ranges[first].first, ranges[last - 1].second,
                                                   [&](uint64_t from, uint64_t to) { runs.emplace_back(from, to); });
    for (size_t i = first; i < last; ++i) {
      uint64_t resident_until = ranges[i].first;
      for_each_inside(runs, ranges[i], [&](uint64_t from, uint64_t to) {
        absent(resident_until, from);
        resident_until = to;
        add_fresh(process, from, to, out);
      });
      absent(resident_until, std::min(ranges[i].second, known_to));
    }
  }
}

PageChanges PagePoller::changes_in(Process& process, const std::vector<PageRange>& ranges) {
  PageChanges changes;
  add_changes(process, ranges, ScanKind::kResident, &changes);
  return changes;
}

/// Changes in all ranges that are polled.
PageChanges PagePoller::polled_changes(Process& process, bool whole) {
  PageChanges changes;
  add_changes(process, polled_ranges(process, whole), ScanKind::kResident, &changes);
  if (process.polled_whole()) add_changes(process, process.polled.anonymous, ScanKind::kAnonymous, &changes);
  return changes;
}

/// New pages only: scans where no page is known.
PageChanges PagePoller::fresh_changes(Process& process, bool whole) {
  PageChanges changes;
  if (!process.polled_whole()) {
    add_changes(process, without_pages(process, polled_ranges(process, whole)), ScanKind::kResident, &changes);
    return changes;
  }
  if (is_worth_one_scan(process, process.polled.anonymous.size() + process.polled.all.size()))
    return fresh_changes_by_one_scan(process);
  add_changes(process, without_pages(process, process.polled.all), ScanKind::kResident, &changes);
  add_changes(process, without_pages(process, process.polled.anonymous), ScanKind::kAnonymous, &changes);
  return changes;
}

/// Scans the whole address space without asking whether a page is a file's, and asks only for the unknown pages found.
/// Text and constants of libraries are left out: pages written there before they became read-only are found by
/// all_changes().
PageChanges PagePoller::fresh_changes_by_one_scan(Process& process) {
  PageChanges changes;
  std::vector<PageRange> there, doubtful;
  process.memory->scan(ScanKind::kAnonymous, 0, kScanEnd,
                       [&there](uint64_t from, uint64_t to) { there.emplace_back(from, to); });
  for (const PageRange& range : process.polled.anonymous)
    for_each_inside(there, range, [&](uint64_t from, uint64_t to) { add_fresh(process, from, to, &changes); });
  for (const PageRange& range : process.polled.doubtful)
    for_each_inside(there, range, [&](uint64_t from, uint64_t to) {
      process.pages.for_each_unseen(from, to, [&](uint64_t start, uint64_t end) { append(&doubtful, start, end); });
    });
  add_changes(process, doubtful, ScanKind::kResident, &changes);
  return changes;
}

void PagePoller::reconcile(Process& process, const std::vector<PageRange>& ranges) {
  apply_changes(process, changes_in(process, ranges));
}

/// Pages that are gone are reported first, so that memory that was moved does not count twice.
void PagePoller::apply_changes(Process& process, const PageChanges& changes) {
  for (const auto& [from, to] : changes.gone) give_back(process, from, to);
  for (const auto& [from, to] : changes.fresh)
    process.leaving.for_each_outside(from, to, [&](uint64_t start, uint64_t end) { find_there(process, start, end); });
  meter_.update(process);
}

/// Reports new pages at [from, to), and their mapping if it is unknown.
void PagePoller::find_there(Process& process, uint64_t from, uint64_t to) {
  // Goes from mapping to mapping. At the first hole (a mapping has gone meanwhile) the remainder is left to the next
  // scan.
  uint64_t end = from;
  while (end < to && report_mapping_at(process, end)) end = process.map.find(end)->end;
  if (end > from) find_fresh(process, from, std::min(end, to));
}

void PagePoller::give_back(Process& process, uint64_t from, uint64_t to) {
  process.pages.clear(from, to);
  if (process.shared) process.shared->touched.set(from, to, false);
  feed_.report(process, trace::EventKind::kAdviseDontneed, from, to - from);
}

/// Makes sure that the sink knows the mapping of a page that was found. False: there is none.
bool PagePoller::report_mapping_at(Process& process, uint64_t at) {
  Vma vma;
  std::vector<PageRange> found_with_it;
  if (process.map.find(at) == nullptr && process.memory->mapping_at(at, &vma))
    mappings_.learn(process, vma, false, Registration::kByItself, &found_with_it);
  Area* area = process.map.find(at);
  if (area == nullptr) return false;
  if (!area->reported) {
    // A read-only private file mapping with pages of its own: relocated data, made read-only afterwards.
    mapped_files_.forget(process, area->start, area->end);
    area->reported = true;
    feed_.report(process, trace::EventKind::kMap, area->start, area->bytes(), 0, map_flags(*area));
  }
  return true;
}

/// Pages borrowed from a relative are not reported: the relative has touched them.
void PagePoller::find_fresh(Process& process, uint64_t from, uint64_t to) {
  if (process.forks.group == 0) return report_fresh(process, from, to);
  for (const auto& [start, end] : copies_.borrow(process, from, to)) report_fresh(process, start, end);
}

void PagePoller::report_fresh(Process& process, uint64_t from, uint64_t to) {
  process.pages.touch(from, to);
  const uint64_t pages = (to - from) / kPage,
                 touched_before = meter_.peak().note_found(pages, meter_.sampler().last_pages());
  note_found(process, pages);
  if (process.shared) process.shared->touched.set(from, to, true);
  const uint64_t split = from + touched_before * kPage;
  report_fresh_run(process, from, split, trace::kTouchedBefore);
  report_fresh_run(process, split, to, 0);
}

void PagePoller::report_fresh_run(Process& process, uint64_t from, uint64_t to, uint8_t flags) {
  if (from == to) return;
  const auto grown_at = [&process](uint64_t huge) {
    return process.map.may_have_grown(huge, process.scans.count, process.in_heap(huge));
  };
  uint64_t start = from;
  bool grown = grown_at(from & ~(kHugeBytes - 1));
  for (uint64_t huge = (from & ~(kHugeBytes - 1)) + kHugeBytes; huge < to; huge += kHugeBytes) {
    const bool next = grown_at(huge);
    if (next == grown) continue;
    report_found(process, start, huge, std::exchange(grown, next), flags);
    start = huge;
  }
  report_found(process, start, to, grown, flags);
}

/// `grown`: the kernel gave no huge page there. The sink gets a read first: like the kernel it then maps a zero page of
/// 4 KiB, and a write after that gets a page of 4 KiB.
void PagePoller::report_found(Process& process, uint64_t from, uint64_t to, bool grown, uint8_t flags) {
  if (grown)
    for (uint64_t at = from; at < to; at = (at & ~(kHugeBytes - 1)) + kHugeBytes)
      feed_.report(process, trace::EventKind::kTouch, at, kPage);
  trace::Event event = feed_.stamp(process, nullptr, trace::EventKind::kTouch);
  event.address = from;
  event.bytes = to - from;
  event.flags = trace::kWrite | trace::kPresent | flags;
  if (grown) notes_.grown_bytes += event.bytes;
  feed_.report_touch(process, event);
  found_feed_ns_ += clocks_.now_ns() - event.time_ns;
}

/// resolution_ns() is the longest time between two scans of a busy process.
void PagePoller::note_poll(Process& process, uint64_t now_ns) {
  const uint64_t since = process.scans.last_ns != 0 ? now_ns - process.scans.last_ns : 0;
  if (!process.tracked_by_faults() && process.scans.active && since < kQuietNs)
    resolution_ns_ = std::max(resolution_ns_, since);
  process.scans.last_ns = now_ns;
}

/// The parts of the ranges without a known page. A scan of these parts does not find memory that was freed elsewhere.
std::vector<PageRange> PagePoller::without_pages(const Process& process, const std::vector<PageRange>& ranges) {
  std::vector<PageRange> runs;
  for (const auto& [start, end] : ranges)
    process.pages.for_each_unseen(start, end, [&](uint64_t from, uint64_t to) { runs.emplace_back(from, to); });
  return runs;
}

/// Changes of all pages of a process. Each present page costs the kernel a read of its struct page, so such scans take
/// at most 1/20 of the time.
PageChanges PagePoller::all_changes(Process& process, bool whole) {
  const uint64_t cpu_began = clocks_.cpu_ns();
  PageChanges changes = polled_changes(process, whole);
  process.scans.next_full_ns = clocks_.now_ns() + (clocks_.cpu_ns() - cpu_began) * kFullShare;
  return changes;
}

/// Bytes by which known and new pages exceed the kernel's count: that much was moved by mremap(), or freed elsewhere.
static uint64_t too_many_bytes(const Process& process, const PageChanges& changes) {
  const uint64_t bytes = (changes.fresh_pages + process.pages.count(PageBit::kTouched)) * kPage;
  return bytes - std::min(bytes, process.resident.rss_bytes);
}

void PagePoller::scan_touches(Process& process, Touches touches, bool whole) {
  const bool fresh_only = touches == Touches::kFresh;
  process.leaving.expire(clocks_.now_ns());
  PageChanges changes = fresh_only ? fresh_changes(process, whole) : all_changes(process, whole);
  if (const uint64_t too_many = too_many_bytes(process, changes); fresh_only && too_many > kMovedBytes) {
    if (clocks_.now_ns() >= process.scans.next_full_ns)
      changes = all_changes(process, whole);
    else if (too_many > process.resident.rss_bytes / kBearablePart)
      return;
  }
  meter_.read_resident(process);
  apply_changes(process, changes);
  // Many databases keep most of their memory in shared memory: it is scanned when it has grown by 1/256.
  const bool shared_grew =
      process.resident.shared_bytes >
      process.scans.shared_bytes + std::max(process.scans.shared_bytes / kSharedPart, kLeastSharedBytes);
  const bool shared_fell = process.resident.shared_bytes + kLeastSharedBytes < process.scans.shared_bytes;
  if (shared_fell || ((!fresh_only || shared_grew) && clocks_.now_ns() >= process.scans.next_shared_ns))
    shared_memory_.scan(process);
  if (!fresh_only) {
    copies_.scan(process, whole);
    if (process.tracker == TrackerKind::kWpAsync) scan_watches(process);
  }
  ++process.scans.count;
  ScanPlanner::note_scanned(process);
}

/// wp-async: the kernel has lifted the write protection of watched pages that were written since the last poll.
void PagePoller::scan_watches(Process& process) {
  if (process.pages.count(PageBit::kWatched) == 0) return;
  std::vector<PageRange> watched;
  for (const auto& [start, area] : process.map.areas()) {
    if (!area.registered) continue;
    process.pages.for_each(PageBit::kWatched, area.start, area.end,
                           [&](uint64_t address) { append(&watched, address, address + kPage); });
  }
  for (const auto& [from, to] : watched)
    process.memory->scan(ScanKind::kWritten, from, to, [&](uint64_t start, uint64_t end) {
      for (uint64_t at = start; at < end; at += kPage) process.pages.set(PageBit::kWatched, at, false);
      feed_.report(process, trace::EventKind::kReference, start, end - start, 0, trace::kWrite);
    });
}

void PagePoller::scan_before_free(Process& process, uint64_t start, uint64_t end, bool may_stay) {
  if (const Area* area = process.map.find(start); area == nullptr || area->shared)
    mappings_.learn_shared(process, start, end);
  // shmdt() names the first page of a segment and frees all of it.
  if (const Area* area = process.map.find(start); area != nullptr && area->shared) end = std::max(end, area->end);
  if (process.tracked_by_faults()) {
    std::vector<PageRange> shared;
    process.map.for_each(start, end, [&](const Area& area) {
      if (area.shared) shared.emplace_back(area.start, area.end);
    });
    for (const auto& [from, to] : shared) shared_memory_.reconcile(process, from, to);
    return;
  }
  process.leaving.gone(start, end);  // an earlier free whose note was lost
  mappings_.learn_unknown(process, start, end);
  std::vector<PageRange> areas;
  process.map.for_each(start, end, [&](const Area& area) { areas.emplace_back(area.start, area.end); });
  for (const auto& [from, to] : areas) {
    if (const Area* area = process.map.find(from); area != nullptr && area->shared) {
      shared_memory_.reconcile(process, from, to);
      continue;
    }
    PageChanges changes = changes_in(process, {{from, to}});
    if (changes.fresh_pages > 0 && too_many_bytes(process, changes) > kMovedBytes)
      changes = all_changes(process, false);
    apply_changes(process, changes);
    if (may_stay || process.reports_frees()) continue;
    PageChanges all_gone;
    append_touched(&all_gone.gone, process.pages, from, to);
    apply_changes(process, all_gone);
    process.leaving.add(from, to, clocks_.now_ns());
  }
  // The next scan comes 1 ms later: the free is over by then, and touches made after it must not add up with the freed
  // memory.
  process.scans.next_ns = clocks_.now_ns() + kSoonNs;
}

/// Each page that a scan has found took a fault that the kernel served itself.
void PagePoller::note_found(Process& process, uint64_t pages) {
  found_pages_ += pages;
  process.native.unpaid_faults += pages;
}

uint64_t PagePoller::take_feed_ns() { return std::exchange(found_feed_ns_, 0); }

uint64_t PagePoller::most_found_pages() const { return std::max(most_found_pages_, found_pages_); }

void PagePoller::end_tick() { most_found_pages_ = std::max(most_found_pages_, std::exchange(found_pages_, 0)); }

}  // namespace oomcast::record
