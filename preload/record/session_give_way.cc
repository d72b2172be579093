// Lets go of the memory of a process that does what goes badly with held faults: it is polled from then on, and the report says why.
#include "preload/record/session.h"

namespace oomcast::record {

/// False: it has done so before, or the guest names no reason that we know.
bool Session::note_gives_way(Process& process, ring::GiveWay why) {
  if (process.gives_way || !CaptureNotes::knows(why)) return false;
  process.gives_way = true;
  notes_.note_gave_way(process.comm, why);
  return true;
}

void Session::give_way(Process& process, ring::GiveWay why) {
  if (!note_gives_way(process, why) || process.tracker == TrackerKind::kPagemap) return;
  if (process.tells_frees()) on_userfaultfd(process);
  close_stalled_walks(process, 0);
  poll_from_now_on(process);
  process.pagemap.get();  // while it is surely of this program
  sweep(process, true);
}

/// Whoever traces it reads and writes its memory without waiting for a fault. A tracer outside of the run is the user's own affair.
bool Session::is_traced_by_guest(const Process& process) {
  const auto tracer = static_cast<uint32_t>(number_behind(read_whole_path("/proc/" + std::to_string(process.pid) + "/status"), "TracerPid:"));
  return tracer != 0 && find(tracer) != nullptr;
}

}  // namespace oomcast::record
