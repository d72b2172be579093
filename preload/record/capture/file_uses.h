// FileUses: reports what the program has read from files and written to them.
//
// Notes from the ring become events. Calls that no hook sees (stdio inside libc, Go, static programs) show in the byte
// counts of /proc/PID/io; the file positions of the descriptors tell which files they used. The native time of file
// calls is left out, because the model has its own cost for them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "preload/record/capture/capture_notes.h"
#include "preload/record/capture/deleted_files.h"
#include "preload/record/capture/event_feed.h"
#include "preload/record/capture/scan_planner.h"
#include "preload/record/capture/shared_memory.h"
#include "preload/record/guest/file_use.h"
#include "preload/record/guest/guest_process.h"

namespace oomcast::record {

IoTotals parse_io(const std::string& text);
/// Parses a text of /proc/PID/fdinfo/N. False: it is not one.
bool parse_fdinfo(const std::string& text, OpenFile* out);

class FileUses {
 public:
  /// `drain`: empties the ring of the process.
  FileUses(EventFeed& feed, Sites& sites, SharedMemory& shared_memory, DeletedFiles& deleted,
           const ScanPlanner& planner, CaptureNotes& notes, const Clocks& clocks, std::function<void(Process&)> drain)
      : feed_(feed),
        sites_(sites),
        shared_memory_(shared_memory),
        deleted_(deleted),
        planner_(planner),
        notes_(notes),
        clocks_(clocks),
        drain_(std::move(drain)) {}

  /// Takes a note of the library about a file call.
  void take_note(Process& process, const trace::Event& note);
  /// Finds reads and writes that no hook has reported, by /proc/PID/io and the file positions.
  void scan(Process& process);
  /// The ring is filling without a fault or a question that would have it emptied: makes Session empty it in time.
  void drain_soon(Process& process, uint64_t now_ns);
  /// Time to the next emptying, so that at most 1/8 of the ring fills until then. `notes` came in the last `since_ns`.
  static uint64_t drain_interval_ns(const Process& process, uint64_t since_ns, uint64_t notes);

 private:
  void note_file_use(Process& process, const trace::Event& note);
  void scan_positions(Process& process);
  uint64_t report_move(Process& process, int number, OpenFile& file, IoTotals& left);
  void report_last_move(Process& process, const trace::Event& note);

  EventFeed& feed_;
  Sites& sites_;
  SharedMemory& shared_memory_;
  DeletedFiles& deleted_;
  const ScanPlanner& planner_;
  CaptureNotes& notes_;
  const Clocks& clocks_;
  std::function<void(Process&)> drain_;
};

}  // namespace oomcast::record
