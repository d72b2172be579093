// Readers and writers of files, each at a rate: what the host's other processes do to its page cache during the run.
//
// They run on virtual time from the start of the run to its end. The rate is an upper bound: an actor that waits for a
// disk, for dirty limits or for reclaim does not catch up.
#pragma once

#include <cstdint>
#include <vector>

#include "model/base/random.h"
#include "model/mm/kernel.h"
#include "model/sim/scheduler.h"

namespace oomcast::sim {

class Background {
 public:
  Background(mm::Kernel& kernel, Scheduler& scheduler, Seed seed) : k_(kernel), scheduler_(scheduler), seed_(seed) {}

  /// Starts the reader or writer that HostSpec::background[index] describes, on `file`.
  void start(size_t index, host::FileIndex file, mm::Actor actor);
  /// The process was killed: its readers and writers stop at once.
  void kill(int pid);
  /// Ends the run: no reader or writer begins another call.
  void stop() { stopped_ = true; }
  /// Actors inside a read or write, where a page may not be in its place yet.
  int64_t in_flight() const { return in_flight_; }

 private:
  void run(size_t index, host::FileIndex file, host::CgroupIndex cgroup);

  mm::Kernel& k_;
  Scheduler& scheduler_;
  Seed seed_;
  bool stopped_ = false;
  int64_t in_flight_ = 0;
  std::vector<FiberId> fibers_;
};

/// The number of a file in events: the recorder's, or one made from the path (recorded_id == 0) if the recording
/// machine has no such file.
uint64_t file_number(const std::string& path, uint64_t recorded_id);

}  // namespace oomcast::sim
