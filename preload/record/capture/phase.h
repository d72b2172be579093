// Phase: decides whether touches are polled or held.
//
// While the target is far from its next watermark, the order of single touches changes nothing: in the polling phase
// page tables are scanned every few milliseconds. Near the watermark each touch is held: the exact phase. It lasts
// until the end of the run, so that a program that frees memory and grows again is seen as exactly.
#pragma once

#include <cstdint>

#include "preload/record/capture/event_feed.h"
#include "preload/record/capture/page_poller.h"

namespace oomcast::record {

class Phase {
 public:
  /// `polls`: the run begins in the polling phase if the sink has room enough.
  Phase(EventFeed& feed, const PagePoller& poller, CaptureNotes& notes, const Clocks& clocks, bool polls);

  bool exact() const { return exact_; }
  /// The sink is so near its next watermark that touches have to be held.
  bool nears_watermark() const;
  void begin_exact_phase();

 private:
  void measure_cost();

  EventFeed& feed_;
  const PagePoller& poller_;
  CaptureNotes& notes_;
  const Clocks& clocks_;
  bool exact_ = true;
  uint64_t began_ns_ = 0;
};

}  // namespace oomcast::record
