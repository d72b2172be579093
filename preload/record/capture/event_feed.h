// EventFeed: the only way to the sink. Stamps events with the time and CPU time of their thread, feeds them, and arms
// the watches that the sink asks for.
#pragma once

#include <cstdint>
#include <vector>

#include "model/trace/event_sink.h"
#include "preload/record/capture/capture_notes.h"
#include "preload/record/capture/sites.h"
#include "preload/record/capture/stash.h"
#include "preload/record/capture/statistics.h"
#include "preload/record/guest/process_table.h"
#include "preload/record/kernel/clocks.h"

namespace oomcast::record {

class EventFeed {
 public:
  /// `kill_on_oom`: the sink's kills are carried out.
  EventFeed(trace::EventSink& sink, ProcessTable& processes, Sites& sites, CaptureNotes& notes, Statistics& count,
            const Clocks& clocks, Stash& stash, bool kill_on_oom)
      : sink_(sink),
        processes_(processes),
        sites_(sites),
        notes_(notes),
        count_(count),
        clocks_(clocks),
        stash_(stash),
        kill_on_oom_(kill_on_oom) {}

  /// An event of the process at the present time. With a `task`: also the CPU time and wait of that thread since its
  /// last reading, if a reading is due or `force_clock`.
  trace::Event stamp(Process& process, Task* task, trace::EventKind kind, bool force_clock = false);
  /// Gives the event to the sink, then takes the sink's requests: watches are kept for arm_watches(), kills are carried
  /// out with `kill_on_oom`.
  void feed(const trace::Event& event);
  /// Feeds one event of the process, without the clock of a thread.
  void report(Process& process, trace::EventKind kind, uint64_t address, uint64_t bytes, uint64_t argument = 0,
              uint8_t flags = 0);
  /// Feeds one touch per site in the range of the event. The first carries the thread's clock.
  void report_touch(const Process& process, trace::Event event);
  void read_comm(Process& process);
  void report_comm(Process& process);

  /// The sink has asked for watches that arm_watches() has not armed yet.
  bool has_watches() const { return !watches_.empty(); }
  /// Takes the watched pages out of the page table where a stash can, and write-protects the others.
  void arm_watches();
  /// Watched pages that had to leave the stash before they were used: the next arm_watches() arms them again.
  void watch_again(const Process& process, const std::vector<uint64_t>& pages);
  /// The next write to these pages will be reported. REQUIRES: in order, without control blocks.
  static void protect(Process& process, const std::vector<uint64_t>& pages);

  uint64_t headroom_pages() const { return sink_.headroom_pages(); }
  bool take_refusal() { return sink_.take_refusal(); }
  void set_cost(const TrackingCost& cost) { cost_ = cost; }
  uint64_t events() const { return events_; }

 private:
  void leave_control_blocks_out();

  trace::EventSink& sink_;
  ProcessTable& processes_;
  Sites& sites_;
  CaptureNotes& notes_;
  Statistics& count_;
  const Clocks& clocks_;
  Stash& stash_;
  bool kill_on_oom_;
  TrackingCost cost_;
  uint64_t events_ = 0;
  std::vector<trace::WatchRequest> watches_;
  std::vector<trace::KillRequest> kills_;
};

}  // namespace oomcast::record
