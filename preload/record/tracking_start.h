// TrackingStart: gives a process that has said hello the best tracker that its userfaultfds allow. In the exact phase
// its touches are held from then on.
#pragma once

#include <cstdint>
#include <vector>

#include "preload/record/capture/capture_notes.h"
#include "preload/record/capture/phase.h"
#include "preload/record/capture/resident_meter.h"
#include "preload/record/capture/scanner.h"
#include "preload/record/capture/window_filler.h"
#include "preload/record/guest/process_table.h"
#include "preload/record/kernel/userfaultfd.h"
#include "preload/record/record_options.h"
#include "preload/record/server/event_loop.h"
#include "preload/record/server/hello_server.h"

namespace oomcast::record {

class TrackingStart {
 public:
  /// `tracker`: the best that a process may get.
  TrackingStart(const RecordOptions& options, TrackerKind tracker, const ProcessTable& processes, const Phase& phase,
                WindowFiller& filler, Scanner& scanner, ResidentMeter& meter, CaptureNotes& notes, EventLoop& loop)
      : options_(options),
        tracker_(tracker),
        processes_(processes),
        phase_(phase),
        filler_(filler),
        scanner_(scanner),
        meter_(meter),
        notes_(notes),
        loop_(loop) {}

  /// REQUIRES: the process has its shared area. `descriptors`, `hello`: what the process has sent.
  void start(Process& process, FaultDescriptors descriptors, const ring::Request& hello);

 private:
  bool is_traced_by_guest(const Process& process) const;
  TrackerKind negotiate(Userfaultfd& all, bool user_mode_only) const;
  bool negotiate_heap(Userfaultfd& heap, TrackerKind tracker) const;
  Userfaultfd::Forks forks() const;
  void take_channels(Process& process, FaultDescriptors descriptors, bool user_mode_only);
  OptionalChannel watched(const Process& process, Userfaultfd channel);
  void register_all(Process& process);
  static std::vector<uint64_t> inherited_to_arm(Process& process);

  const RecordOptions& options_;
  const TrackerKind tracker_;
  const ProcessTable& processes_;
  const Phase& phase_;
  WindowFiller& filler_;
  Scanner& scanner_;
  ResidentMeter& meter_;
  CaptureNotes& notes_;
  EventLoop& loop_;
};

}  // namespace oomcast::record
