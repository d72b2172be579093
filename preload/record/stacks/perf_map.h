// What code written at run time calls its functions: /tmp/perf-PID.map, as node (--perf-basic-prof), CPython (-X perf),
// JVMs and others leave it for perf. One line a function: START SIZE NAME, the numbers in hexadecimal.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "preload/record/kernel/unique_fd.h"

namespace oomcast::record {

class PerfMap {
 public:
  /// Opens the process's map, if it has one that belongs to it. Read at the end, when all of it has been written.
  static UniqueFd open(uint32_t pid);
  /// Lines that make no sense are left out; of code that was moved the last place counts.
  static PerfMap parse(std::string_view text);
  /// At most the first 64 MiB.
  static PerfMap read(int fd);
  /// The function that holds the address; empty if none does.
  std::string_view name(uint64_t address) const;

 private:
  struct Function {
    uint64_t end = 0;
    std::string name;
  };
  std::map<uint64_t, Function> functions_;  // by start
};

}  // namespace oomcast::record
