// How far a process's descriptors have moved along their files: what its calls through libc's names do not show.
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

/// What hooks have reported of one process's file use, against what the kernel counts.
struct FileUse {
  bool begun = false;            // the first scan has been taken: what is open from before stood where it stood
  std::map<int, OpenFile> open;  // by descriptor
  std::set<uint64_t> claimed;    // files that hooks have claimed: theirs alone, while they are open
  // When those that are closed have to be forgotten: a program may go through a million files.
  size_t cleanup_size = 4096;
  IoTotals noted, seen;  // what hooks reported since the last scan; the kernel's totals then
  IoTotals last_read;    // the totals when they were read last, be it without a scan

  /// A hook has claimed the file. True if there are so many that forget_closed() is due.
  bool claim(uint64_t object) { return claimed.insert(object).second && claimed.size() > cleanup_size; }
  /// Files of which no descriptor is open cannot move. `still_open` is read after the last claim.
  void forget_closed(const std::map<int, OpenFile>& still_open) {
    std::set<uint64_t> kept;
    for (const auto& [number, file] : still_open)
      if (claimed.contains(file.object)) kept.insert(file.object);
    claimed = std::move(kept);
    cleanup_size = std::max<size_t>(4096, 2 * claimed.size());
  }
};

}  // namespace oomcast::record
