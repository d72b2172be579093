// AddressMap: which mappings of a process are known to the sink, and which are registered. Intervals, split as needed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "model/trace/event.h"

namespace oomcast::record {

struct Area {
  uint64_t start = 0;
  uint64_t end = 0;
  bool writable = false;
  bool anonymous = false;
  bool no_reserve = false;
  bool stack = false;
  bool text = false;          // of a file, executable
  bool registered = false;    // with the userfaultfd
  bool reported = false;      // a kMap has been fed
  bool shared = false;        // memory shared between processes
  bool at_once = false;       // made by one request of the program; else found by a scan, and may have grown in steps
  uint64_t since_scan = 0;    // ScanTimes::count when it was mapped or its protection changed
  uint64_t object = 0;        // file number of the shared memory
  uint64_t offset_delta = 0;  // offset in the object = address + this
  uint64_t bytes() const { return end - start; }
  bool is_like(const Area& other) const {
    return writable == other.writable && anonymous == other.anonymous && no_reserve == other.no_reserve &&
           stack == other.stack && text == other.text && registered == other.registered && reported == other.reported &&
           shared == other.shared && object == other.object && offset_delta == other.offset_delta;
  }
};

/// The flags of the kMap event that reports the area.
inline uint8_t map_flags(const Area& area) {
  return static_cast<uint8_t>((area.shared ? 0 : trace::kPrivate) | (area.anonymous ? trace::kAnonymous : 0) |
                              (area.writable ? trace::kWritable : 0) | (area.no_reserve ? trace::kNoReserve : 0) |
                              (area.stack ? trace::kStack | trace::kGrowsDown : 0));
}

class AddressMap {
 public:
  /// The area that holds the address, or null.
  const Area* find(uint64_t address) const {
    auto at = areas_.upper_bound(address);
    if (at == areas_.begin()) return nullptr;
    --at;
    return address < at->second.end ? &at->second : nullptr;
  }
  Area* find(uint64_t address) { return const_cast<Area*>(static_cast<const AddressMap*>(this)->find(address)); }

  /// Takes [start, end) out and returns the pieces that were there.
  std::vector<Area> remove(uint64_t start, uint64_t end) {
    std::vector<Area> removed;
    split(start);
    split(end);
    for (auto at = areas_.lower_bound(start); at != areas_.end() && at->first < end; at = areas_.erase(at))
      removed.push_back(at->second);
    return removed;
  }

  /// Puts the area in place of whatever is there.
  void insert(const Area& area) {
    if (area.start >= area.end) return;
    remove(area.start, area.end);
    areas_[area.start] = area;
  }

  /// Calls f(Area&) for the pieces inside [start, end), split at its ends.
  template <class F>
  void for_each(uint64_t start, uint64_t end, F f) {
    split(start);
    split(end);
    for (auto at = areas_.lower_bound(start); at != areas_.end() && at->first < end; ++at) f(at->second);
  }

  /// Whether the first touch of the aligned 2 MiB at `start`, made after the last of `scans` scans, may have met a
  /// mapping that did not cover all of them yet. The kernel gives a huge page only where the mapping covers all of it
  /// at the first touch. False: an earlier scan has seen the mapping whole, or one request has made it. True: the
  /// mapping came in pieces, is the heap, or has unusable memory behind it into which it grows (arenas of malloc, heaps
  /// of language run-times). Memory known as unusable that holds pages was made usable since, in pieces.
  bool may_have_grown(uint64_t start, uint64_t scans, bool heap) const {
    constexpr uint64_t kHugeBytes = uint64_t{2} << 20;
    const auto first = areas_.upper_bound(start);
    if (first == areas_.begin()) return false;
    bool fresh = false, at_once = false, reserve = false;
    size_t pieces = 0;
    uint64_t at = start;
    auto area = std::prev(first);
    for (; area != areas_.end() && area->second.start <= at && at < start + kHugeBytes; ++area, ++pieces) {
      if (area->second.end <= at || !area->second.anonymous || area->second.shared) return false;
      fresh |= area->second.since_scan >= scans;
      reserve |= !area->second.writable;
      at_once = area->second.at_once;
      at = area->second.end;
    }
    if (at < start + kHugeBytes || !(fresh || reserve)) return false;
    if (reserve) return true;
    if (pieces == 1 && at_once) return false;
    const bool reserve_behind =
        area != areas_.end() && area->second.start == at && area->second.anonymous && !area->second.writable;
    return pieces > 1 || heap || reserve_behind;
  }

  /// Joins neighbouring areas in [start, end) that are alike: an arena that grows page by page is learned page by page.
  void join(uint64_t start, uint64_t end) {
    auto at = areas_.lower_bound(start);
    while (at != areas_.end() && at->first < end) {
      const auto next = std::next(at);
      if (next == areas_.end() || next->first >= end) return;
      if (at->second.end == next->first && at->second.is_like(next->second)) {
        at->second.end = next->second.end;
        at->second.at_once = false;
        at->second.since_scan = std::max(at->second.since_scan, next->second.since_scan);
        areas_.erase(next);
      } else {
        at = next;
      }
    }
  }

  /// The parts of [start, end) that are in no area.
  std::vector<std::pair<uint64_t, uint64_t>> gaps(uint64_t start, uint64_t end) const {
    std::vector<std::pair<uint64_t, uint64_t>> out;
    uint64_t at = start;
    auto area = areas_.upper_bound(start);
    if (area != areas_.begin()) --area;
    for (; area != areas_.end() && area->first < end; ++area) {
      if (area->second.end <= at) continue;
      if (area->first > at) out.emplace_back(at, area->first);
      at = area->second.end;
    }
    if (at < end) out.emplace_back(at, end);
    return out;
  }

  const std::map<uint64_t, Area>& areas() const { return areas_; }
  void clear() { areas_.clear(); }

 private:
  void split(uint64_t address) {
    Area* area = find(address);
    if (area == nullptr || area->start == address) return;
    Area upper = *area;
    upper.start = address;
    area->end = address;
    areas_[address] = upper;
  }

  std::map<uint64_t, Area> areas_;
};

}  // namespace oomcast::record
