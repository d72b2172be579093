// Decides how many pages are filled before a thread that walks over fresh memory, and which of them were touched.
#pragma once

#include <cstdint>
#include <vector>

#include "preload/record/capture/event_feed.h"
#include "preload/record/capture/guest_content.h"
#include "preload/record/capture/mappings.h"
#include "preload/record/capture/resident_meter.h"
#include "preload/record/capture/statistics.h"
#include "preload/record/guest/guest_process.h"

namespace oomcast::record {

/// State of the page that a first write met: missing, prefilled by a walk that has stopped, or only read so far.
enum class Fresh { kMissing, kPrefilledArmed, kZeroes };

/// The pages that are filled for one fault, and the walk that the fault begins or continues.
struct Window {
  Walk* walk;
  uint64_t start, end;  // addresses; the page of the fault is inside
  bool sentinel;  // its last page in the direction of the walk has to be write-protected: no fault would come behind it
  bool down;      // the walk goes to lower addresses
  uint64_t pages() const { return (end - start) >> kPageShift; }
};

class Windows {
 public:
  /// `max_window_pages`: no window is wider.
  Windows(EventFeed& feed, Mappings& mappings, ResidentMeter& meter, Statistics& count, const Clocks& clocks,
          int64_t max_window_pages)
      : feed_(feed),
        mappings_(mappings),
        meter_(meter),
        count_(count),
        clocks_(clocks),
        max_window_pages_(max_window_pages) {}

  // All addresses are those of pages; a range [start, end) is given by two of them. Numbers of pages are returned.

  /// The window for a fault of `task` on `page`. Counts the fault as a step of its walk, and may end other walks. Fills
  /// nothing.
  Window window_for(Process& process, Task& task, uint64_t page, Fresh fresh);
  /// Marks the prefilled pages of [start, end) and the page `always` as touched, and feeds one kTouch with `flags` per
  /// run of them. The first event carries the clock of `task` (null: no clock). Returns the pages touched.
  uint64_t report_run(Process& process, Task* task, uint64_t start, uint64_t end, uint64_t always, uint8_t flags);
  /// Counts the prefilled pages of the walk that have content, and write-protects the others. While the kernel refuses
  /// that (EAGAIN), the walk is kept for close_pending().
  void close_walk(Process& process, Walk& walk);
  /// Closes the walk, adapts task.first_window_pages to its length, and resets it.
  void end_walk(Process& process, Task& task, Walk& walk);
  /// Closes again the walks that the kernel did not let close. Until then writes to their pages are not seen.
  void close_pending(Process& process);
  /// Ends all walks of the process that have prefilled pages and had no fault for `older_than_ns`.
  void close_stalled(Process& process, uint64_t older_than_ns);
  /// Write-protects the pages of [start, end) that map the shared zero page. Returns the runs of such pages; some may
  /// have been written meanwhile. `known_to`, if given, gets the address where the kernel's answer ended.
  std::vector<PageRange> arm_zeroes(Process& process, uint64_t start, uint64_t end, uint64_t* known_to = nullptr);
  /// Reports the pages of [start, end) that were written since they were prefilled as zero pages, and write-protects
  /// the others again. Returns the pages reported.
  uint64_t settle_zeroes(Process& process, Task* task, uint64_t start, uint64_t end);
  /// The heap is about to grow at `end`: reports the prefilled pages of the walk that ends there, up to the last one
  /// with content.
  void report_walked_to_break(Process& process, Task& task, uint64_t end);
  /// The heap has grown by [start, end): fills the next window of a walk that ends at `start`, before a fault asks for
  /// it.
  void continue_at_break(Process& process, Task& task, uint64_t start, uint64_t end);
  /// Pages whose content was read so far.
  uint64_t pages_examined() const { return content_.pages_read(); }

 private:
  Walk& walk_at(Process& process, Task& task, uint64_t page, Fresh fresh);
  uint64_t allowed_pages(const Task& task, const Walk& walk) const;
  struct OwnedWalk {
    Task* task;
    Walk* walk;
  };
  static OwnedWalk oldest_walk(Process& process, Task& task, Walk& going_on);
  void close_resting(Process& process, Task& task, Walk& going_on);
  bool arm_prefilled(Process& process, uint64_t start, uint64_t end);
  static bool grows_at(Process& process, const Area& area, uint64_t end);
  uint64_t last_content(Process& process, uint64_t start, uint64_t end);

  EventFeed& feed_;
  Mappings& mappings_;
  ResidentMeter& meter_;
  Statistics& count_;
  const Clocks& clocks_;
  int64_t max_window_pages_;
  GuestContent content_;
};

}  // namespace oomcast::record
