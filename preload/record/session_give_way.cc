// Lets go of the memory of a process that does what goes badly with held faults: it is polled from then on, and the report says why.
#include <algorithm>
#include <array>

#include "preload/record/session.h"

namespace oomcast::record {
namespace {

constexpr std::array<const char*, static_cast<size_t>(ring::GiveWay::kCount)> kReasons = {
    "", "it put itself under seccomp", "it has a userfaultfd of its own", "its memory was opened through /proc/PID/mem", "it is traced by another process of the run"};

}  // namespace

/// False: it has done so before, or the guest names no reason that we know.
bool Session::note_gives_way(Process& process, ring::GiveWay why) {
  const auto reason = static_cast<size_t>(why);
  if (process.gives_way || reason == 0 || reason >= kReasons.size()) return false;
  process.gives_way = true;
  const std::string line = process.comm + " (" + kReasons[reason] + ")";
  if (std::find(gave_way_.begin(), gave_way_.end(), line) == gave_way_.end()) gave_way_.push_back(line);
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

std::string Session::who_gave_way() const {
  std::string text;
  for (const std::string& line : gave_way_) text += (text.empty() ? "" : ", ") + line;
  return text.empty() ? text : "The memory of these processes was let go of, since what they do goes badly with held faults, and was polled from then on: " + text + ".";
}

}  // namespace oomcast::record
