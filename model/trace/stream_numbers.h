// Gives what several recordings number the same numbers of their own: processes, stacks, and files in memory.
//
// Files on disk keep their numbers: the same file of the same recording machine is the same file on the host, with one
// page cache. Files in memory (tmpfs, memfd, System V, shared anonymous memory) are the program's own, whatever they
// are called: each run of a program makes its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "model/trace/event.h"

namespace oomcast::trace {

/// Stack ids of all streams together, given out as they are met.
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
  /// By id - 1.
  const std::vector<Origin>& origins() const { return origins_; }

 private:
  std::vector<Origin> origins_;
};

class StreamNumbers {
 public:
  /// Process ids of the n-th stream are those of its recording plus n times this, which a reader sees in decimal.
  static constexpr uint32_t kPidStep = 10'000'000;
  /// PID_MAX_LIMIT: no Linux gives a greater one.
  static constexpr uint32_t kPidMost = 1u << 22;

  StreamNumbers(size_t stream, StackNumbers& stacks) : stream_(stream), stacks_(stacks) {}

  /// False, and nothing is changed: the event names a process id that no Linux gives.
  bool apply(Event& event);
  /// The pid of a process of this stream.
  uint32_t pid(uint32_t recorded) const { return recorded + static_cast<uint32_t>(stream_) * kPidStep; }

 private:
  uint64_t file(uint64_t recorded) const;

  size_t stream_;
  StackNumbers& stacks_;
  std::unordered_map<uint32_t, uint32_t> stack_numbers_;  // recorded -> ours
  std::unordered_set<uint64_t> files_in_memory_;          // recorded numbers
};

}  // namespace oomcast::trace
