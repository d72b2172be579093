// How far a process's descriptors have moved along their files: what its calls through libc's names do not tell.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>

namespace oomcast::record {

struct OpenFile {
  uint64_t object = 0;                 // file number, as in file events
  uint64_t position = 0;               // at the last scan
  bool reads = false, writes = false;  // by the mode it was opened with
};

/// Totals of /proc/PID/io: all bytes that the process has read and written, pipes and sockets included.
struct IoTotals {
  uint64_t read_bytes = 0, written_bytes = 0;
  bool operator==(const IoTotals&) const = default;
};

/// What hooks have told of one process's file use, against what the kernel counts.
struct FileUse {
  bool begun = false;            // the first scan has been taken: what is open from before stood where it stood
  std::map<int, OpenFile> open;  // by descriptor
  std::set<uint64_t> told;       // files that hooks have claimed: theirs alone, while they are open
  size_t many_told = 4096;  // when those that are closed have to be forgotten: a program may go through a million files
  IoTotals noted, seen;     // what hooks told since the last scan; the kernel's totals then
  IoTotals glanced;         // the totals when they were read last, be it without a scan

  /// A hook has told of the file. True if so many have been told that forget_closed() is due.
  bool claim(uint64_t object) { return told.insert(object).second && told.size() > many_told; }
  /// Files of which no descriptor is open cannot move. `still_open` is read after the last claim.
  void forget_closed(const std::map<int, OpenFile>& still_open) {
    std::set<uint64_t> kept;
    for (const auto& [number, file] : still_open)
      if (told.contains(file.object)) kept.insert(file.object);
    told = std::move(kept);
    many_told = std::max<size_t>(4096, 2 * told.size());
  }
};

}  // namespace oomcast::record
