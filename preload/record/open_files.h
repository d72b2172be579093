// How far have a process's descriptors moved along their files? What its calls through libc's names do not tell.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace oomcast::record {

struct OpenFile {
  uint64_t object = 0;    // file number, as in file events
  uint64_t position = 0;  // at the last look
  bool reads = false, writes = false;  // by the mode it was opened with
};

/// Totals of /proc/PID/io: all bytes that the process has read and written, pipes and sockets included.
struct IoTotals {
  uint64_t read_bytes = 0, written_bytes = 0;
  bool operator==(const IoTotals&) const = default;
};
IoTotals parse_io(const std::string& text);
/// From a text of /proc/PID/fdinfo/N; false if it is none.
bool parse_fdinfo(const std::string& text, OpenFile* out);

/// What hooks have told of one process's file use, against what the kernel counts.
struct FileUse {
  bool begun = false;            // the first look has been taken: what is open from before stood where it stood
  std::map<int, OpenFile> open;  // by descriptor
  std::set<uint64_t> told;       // files that hooks have claimed: theirs alone
  IoTotals noted, seen;          // what hooks told since the last look; the kernel's totals then
  IoTotals glanced;              // the totals when they were read last, be it without a look
};

}  // namespace oomcast::record
