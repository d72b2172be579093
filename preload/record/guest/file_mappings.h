// FileMapping: a file that a process has mapped, for its data or to execute it, and the pages that it was seen to use.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

namespace oomcast::record {

struct FileMapping {
  uint64_t start = 0, end = 0;
  uint64_t object = 0;    // file number, as in file events
  uint64_t offset = 0;    // of `start` in the file
  bool writable = false;  // shared and writable: a used page counts as written
  bool shared = false;
  bool executable = false;
  bool program = false;    // code or constants of a program or library
  std::vector<bool> seen;  // by page: its use has been reported
};

/// By start address. Small: a program maps few files for their data.
using FileMappings = std::map<uint64_t, FileMapping>;

}  // namespace oomcast::record
