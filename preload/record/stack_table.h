// Whose code was it? Sampled stacks are kept once each as module and offset, and named at the end.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "preload/record/proc_maps.h"
#include "preload/record/symbolizer.h"

namespace oomcast::record {

/// A program counter that no longer needs the process it came from.
struct Frame {
  uint32_t module = 0;  // index of a file, 0: not in any file
  uint64_t offset = 0;  // in the file, or the address itself
  friend auto operator<=>(const Frame&, const Frame&) = default;
};

class StackTable {
 public:
  /// The number of this stack, counted from 1. `maps` are the process's mappings at the time.
  uint32_t intern(std::span<const uint64_t> counters, const std::vector<Vma>& maps);
  /// Memory was touched for which this stack stands: somebody will read its names. 0: no stack.
  void will_be_read(uint32_t number);
  /// Names of those that will be read, by number - 1, as Symbolizer gives them. At the end of the run.
  std::vector<std::vector<std::string>> resolve();
  size_t size() const { return stacks_.size(); }
  /// Samples of further stacks, once there were too many.
  uint64_t left_out() const { return left_out_; }

 private:
  struct Stack {
    const std::vector<Frame>* frames;  // a key of numbers_
    bool read = false;
  };

  Symbolizer symbolizer_;
  std::map<std::vector<Frame>, uint32_t> numbers_;
  std::vector<Stack> stacks_;
  uint64_t left_out_ = 0;
  std::vector<std::string> modules_{""};
  std::map<std::string, uint32_t> module_numbers_;
};

}  // namespace oomcast::record
