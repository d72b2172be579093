// FileUse: the file positions of a process's descriptors, which show reads and writes that no hook has reported.
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

/// The file use of one process by its hooks and by the kernel's counts.
struct FileUse {
  bool begun = false;            // a first scan has read the positions of files that were open before
  std::map<int, OpenFile> open;  // by descriptor
  std::set<uint64_t> claimed;    // files whose use hooks report: their positions are not looked at
  // With more claimed files than this, closed ones are forgotten: a program may open a million files.
  size_t cleanup_size = 4096;
  IoTotals noted, seen;  // reported by hooks since the last scan; the kernel's totals at that scan
  IoTotals last_read;    // the kernel's totals when they were read last, with or without a scan

  /// A hook claims the file. True: forget_closed() is due.
  bool claim(uint64_t object) { return claimed.insert(object).second && claimed.size() > cleanup_size; }
  /// Forgets claimed files that have no open descriptor. REQUIRES: `still_open` was read after the last claim.
  void forget_closed(const std::map<int, OpenFile>& still_open) {
    std::set<uint64_t> kept;
    for (const auto& [number, file] : still_open)
      if (claimed.contains(file.object)) kept.insert(file.object);
    claimed = std::move(kept);
    cleanup_size = std::max<size_t>(4096, 2 * claimed.size());
  }
};

}  // namespace oomcast::record
