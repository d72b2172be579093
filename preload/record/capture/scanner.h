// Scanner: finds pages and mappings that no event reported, by reading /proc/PID/statm, /proc/PID/maps and the page
// tables. Also reads the thread clocks.
//
// No event reports thread stacks, arenas, data of libraries, and anything of a process without the library.
#pragma once

#include <cstdint>

#include "preload/record/capture/file_uses.h"
#include "preload/record/capture/note_reader.h"
#include "preload/record/capture/page_poller.h"
#include "preload/record/capture/tracking_cost.h"
#include "preload/record/capture/windows.h"

namespace oomcast::record {

class Scanner {
 public:
  Scanner(ProcessTable& processes, EventFeed& feed, Mappings& mappings, PagePoller& poller, Windows& windows,
          MappedFiles& mapped_files, SharedMemory& shared_memory, FileUses& files, NoteReader& reader,
          ResidentMeter& meter, ScanPlanner& planner, Statistics& count, const Clocks& clocks)
      : processes_(processes),
        feed_(feed),
        mappings_(mappings),
        poller_(poller),
        windows_(windows),
        mapped_files_(mapped_files),
        shared_memory_(shared_memory),
        files_(files),
        reader_(reader),
        meter_(meter),
        planner_(planner),
        count_(count),
        clocks_(clocks) {}

  /// Scans what the kernel's counts show as changed. `whole`: scans everything. `last`: the process is about to exit.
  void scan(Process& process, bool whole, bool last = false);
  /// The pages found so far were touched before the process was watched: their faults are not charged to its CPU time.
  static void forget_native_faults(Process& process);
  void scan_last(Process& process);
  void scan_shared_now(Process& process);
  void scan_at_possible_peak();
  void report_sampled_peak(bool last);
  /// `ticks`: number of the tick. A thread that is not listed at this tick has ended.
  void read_thread_clocks(Process& process, uint64_t now_ns, uint64_t ticks);

 private:
  void scan_mappings(Process& process, bool changed_only, bool whole);
  void learn_locks(Process& process);
  void scan_at_peak(bool sampled_peak);
  void scan_those_that_grew();
  bool waits_for_pending_children();
  void charge_native_faults(Process& process);

  ProcessTable& processes_;
  EventFeed& feed_;
  Mappings& mappings_;
  PagePoller& poller_;
  Windows& windows_;
  MappedFiles& mapped_files_;
  SharedMemory& shared_memory_;
  FileUses& files_;
  NoteReader& reader_;
  ResidentMeter& meter_;
  ScanPlanner& planner_;
  Statistics& count_;
  const Clocks& clocks_;
  const uint64_t native_fault_ns_ = measure_native_fault_ns();
  uint64_t next_peak_scan_ns_ = 0;
  // Until then no peak is reported, so that pending children can become known; 0: no peak waits.
  uint64_t pending_children_due_ns_ = 0;
};

}  // namespace oomcast::record
