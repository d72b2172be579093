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

/// Where a first write met the page: not there, prefilled by a walk that has stopped, or only read so far.
enum class Fresh { kMissing, kPrefilledArmed, kZeroes };

/// What is filled for one fault, and the walk that the fault begins or continues.
struct Window {
  Walk* walk;
  uint64_t start, end;
  bool sentinel;  // no fault would come behind its far end
  bool down;
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

  Window window_for(Process& process, Task& task, uint64_t page, Fresh fresh);
  uint64_t report_run(Process& process, Task* task, uint64_t start, uint64_t end, uint64_t always, uint8_t flags);
  void close_walk(Process& process, Walk& walk);
  void end_walk(Process& process, Task& task, Walk& walk);
  void close_pending(Process& process);
  void close_stalled(Process& process, uint64_t older_than_ns);
  std::vector<PageRange> arm_zeroes(Process& process, uint64_t start, uint64_t end, uint64_t* known_to = nullptr);
  uint64_t settle_zeroes(Process& process, Task* task, uint64_t start, uint64_t end);
  void report_walked_to_break(Process& process, Task& task, uint64_t end);
  void continue_at_break(Process& process, Task& task, uint64_t start, uint64_t end);
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
