// PerfMap: names of functions compiled at run time, from /tmp/perf-PID.map. node (--perf-basic-prof), CPython (-X
// perf), JVMs and others write it for perf: one line for each function, START SIZE NAME, numbers in hexadecimal.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

class PerfMap {
 public:
  /// Opens the process's map; invalid if there is none or another user owns it. To be read at the end of the run, when
  /// it is complete.
  static UniqueFd open(uint32_t pid);
  /// Skips malformed lines. Of several functions at one start the last counts.
  static PerfMap parse(std::string_view text);
  /// Reads at most the first 64 MiB, to the end of a 64 KiB piece.
  static PerfMap read(int fd);
  /// The function that contains the address; empty: none.
  std::string_view name(uint64_t address) const;

 private:
  struct Function {
    uint64_t end = 0;
    std::string name;
  };
  std::map<uint64_t, Function> functions_;  // by start
};

}  // namespace oomcast::record
