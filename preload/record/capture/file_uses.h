// FileUses: what the program has read and written through files. Notes from the ring become events; what was moved past
// libc's names (stdio inside libc, Go, static programs) the byte counts of the kernel show, and the positions of the
// descriptors say where. The time that the calls took natively is left out, because the model has its own cost for
// them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "preload/record/capture/capture_notes.h"
#include "preload/record/capture/event_feed.h"
#include "preload/record/capture/scan_planner.h"
#include "preload/record/capture/shared_memory.h"
#include "preload/record/guest/file_use.h"
#include "preload/record/guest/guest_process.h"

namespace oomcast::record {

IoTotals parse_io(const std::string& text);
/// From a text of /proc/PID/fdinfo/N; false if it is none.
bool parse_fdinfo(const std::string& text, OpenFile* out);

class FileUses {
 public:
  /// `drain`: takes what the process has noted in its ring.
  FileUses(EventFeed& feed, Sites& sites, SharedMemory& shared_memory, const ScanPlanner& planner, CaptureNotes& notes,
           const Clocks& clocks, std::function<void(Process&)> drain)
      : feed_(feed),
        sites_(sites),
        shared_memory_(shared_memory),
        planner_(planner),
        notes_(notes),
        clocks_(clocks),
        drain_(std::move(drain)) {}

  void take_note(Process& process, const trace::Event& note);
  void scan(Process& process);
  void drain_soon(Process& process, uint64_t now_ns);
  static uint64_t drain_interval_ns(const Process& process, uint64_t since_ns, uint64_t notes);

 private:
  void note_file_use(Process& process, const trace::Event& note);
  void scan_positions(Process& process);
  uint64_t report_move(Process& process, int number, OpenFile& file, IoTotals& left);
  void report_last_move(Process& process, const trace::Event& note);

  EventFeed& feed_;
  Sites& sites_;
  SharedMemory& shared_memory_;
  const ScanPlanner& planner_;
  CaptureNotes& notes_;
  const Clocks& clocks_;
  std::function<void(Process&)> drain_;
};

}  // namespace oomcast::record
