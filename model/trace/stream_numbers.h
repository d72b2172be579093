// Renumbers processes, stacks and files in memory, so that several recordings can be replayed on one host.
//
// Files on disk keep their numbers: a file of the recording machine is one file of the host, with one page cache. A
// file in memory (tmpfs, memfd, System V, shared anonymous memory) gets a new number whatever its name is, because each
// run of a program makes a file of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "model/trace/event.h"

namespace oomcast::trace {

/// The stack ids of all streams together, given out in the order in which the stacks are first seen.
class StackNumbers {
 public:
  struct Origin {
    size_t stream = 0;
    uint32_t id = 0;  // in the stream's own CaptureSummary
  };
  uint32_t add(size_t stream, uint32_t id) {
    origins_.push_back({stream, id});
    return static_cast<uint32_t>(origins_.size());
  }
  /// origins()[id - 1] is the origin of stack `id`.
  const std::vector<Origin>& origins() const { return origins_; }

 private:
  std::vector<Origin> origins_;
};

class StreamNumbers {
 public:
  /// A pid of stream n is the recorded pid plus n times this number, so that both can be read from the decimal digits.
  static constexpr uint32_t kPidStep = 10'000'000;
  /// PID_MAX_LIMIT: no Linux kernel gives a greater pid.
  static constexpr uint32_t kPidMost = 1u << 22;

  StreamNumbers(size_t stream, StackNumbers& stacks) : stream_(stream), stacks_(stacks) {}

  /// Renumbers the event. False, with the event unchanged: its pid is greater than any that Linux gives.
  bool apply(Event& event);
  /// The new number of the stream's process `recorded`.
  uint32_t pid(uint32_t recorded) const { return recorded + static_cast<uint32_t>(stream_) * kPidStep; }

 private:
  uint64_t file(uint64_t recorded) const;

  size_t stream_;
  StackNumbers& stacks_;
  std::unordered_map<uint32_t, uint32_t> stack_numbers_;  // recorded -> ours
  std::unordered_set<uint64_t> files_in_memory_;          // recorded numbers
};

}  // namespace oomcast::trace
