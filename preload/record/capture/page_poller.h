// PagePoller: finds the pages that a process has touched by scanning its page tables. Needed where no fault reports
// touches: the wp-async and pagemap trackers, mappings that cannot be registered, and memory touched before tracking
// began.
#pragma once

#include <cstdint>
#include <vector>

#include "preload/record/capture/fork_copies.h"
#include "preload/record/capture/mapped_files.h"
#include "preload/record/capture/mappings.h"
#include "preload/record/capture/scan_planner.h"
#include "preload/record/kernel/page_scan.h"

namespace oomcast::record {

/// What a scan has found: present pages that are not known, and known pages that are not present any more.
struct PageChanges {
  std::vector<PageRange> fresh, gone;
  uint64_t fresh_pages = 0;
};

class PagePoller final : public PageCounter {
 public:
  PagePoller(EventFeed& feed, Mappings& mappings, SharedMemory& shared_memory, ForkCopies& copies,
             MappedFiles& mapped_files, ResidentMeter& meter, const ScanPlanner& planner, CaptureNotes& notes,
             const Clocks& clocks)
      : feed_(feed),
        mappings_(mappings),
        shared_memory_(shared_memory),
        copies_(copies),
        mapped_files_(mapped_files),
        meter_(meter),
        planner_(planner),
        notes_(notes),
        clocks_(clocks) {}

  /// Sets process.polled, the ranges in which page tables are scanned, from process.last_maps.
  void note_where_to_scan(Process& process);
  /// Counts the relocated data of newly mapped programs and libraries. `maps`: the present mappings.
  void find_relocated(Process& process, const std::vector<Vma>& maps);
  /// Finds touches that no fault reports. `whole`: also in mappings that are read-only by now.
  void scan_touches(Process& process, Touches touches, bool whole);
  /// The program is about to free [start, end): reports what it has touched there, then the memory as gone. `may_stay`:
  /// an allocator may keep the memory, so it is not reported as gone.
  void scan_before_free(Process& process, uint64_t start, uint64_t end, bool may_stay);
  void reconcile(Process& process, const std::vector<PageRange>& ranges) override;
  /// A scan of the process begins: adapts resolution_ns().
  void note_poll(Process& process, uint64_t now_ns);

  /// Time that the sink took for touches found since the last call.
  uint64_t take_feed_ns();
  /// The most pages found between two calls of end_tick().
  uint64_t most_found_pages() const;
  void end_tick();
  /// The longest time between two scans of a busy process.
  uint64_t resolution_ns() const { return resolution_ns_; }

 private:
  std::vector<PageRange> polled_ranges(const Process& process, bool whole) const;
  static void add_fresh(const Process& process, uint64_t from, uint64_t to, PageChanges* out);
  void add_changes(Process& process, const std::vector<PageRange>& ranges, ScanKind kind, PageChanges* out);
  PageChanges changes_in(Process& process, const std::vector<PageRange>& ranges);
  PageChanges polled_changes(Process& process, bool whole);
  PageChanges fresh_changes(Process& process, bool whole);
  PageChanges fresh_changes_by_one_scan(Process& process);
  PageChanges all_changes(Process& process, bool whole);
  void apply_changes(Process& process, const PageChanges& changes);
  std::vector<PageRange> without_pages(const Process& process, const std::vector<PageRange>& ranges);
  void find_there(Process& process, uint64_t from, uint64_t to);
  void give_back(Process& process, uint64_t from, uint64_t to);
  bool report_mapping_at(Process& process, uint64_t at);
  void find_fresh(Process& process, uint64_t from, uint64_t to);
  void report_fresh(Process& process, uint64_t from, uint64_t to);
  void report_fresh_run(Process& process, uint64_t from, uint64_t to, uint8_t flags);
  void report_found(Process& process, uint64_t from, uint64_t to, bool grown, uint8_t flags);
  void note_found(Process& process, uint64_t pages);
  void scan_watches(Process& process);

  EventFeed& feed_;
  Mappings& mappings_;
  SharedMemory& shared_memory_;
  ForkCopies& copies_;
  MappedFiles& mapped_files_;
  ResidentMeter& meter_;
  const ScanPlanner& planner_;
  CaptureNotes& notes_;
  const Clocks& clocks_;
  uint64_t found_feed_ns_ = 0;
  uint64_t found_pages_ = 0, most_found_pages_ = 0;  // in this tick, and the most in any
  uint64_t resolution_ns_ = 0;
};

}  // namespace oomcast::record
