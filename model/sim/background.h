// Runs what the host's other processes do to its page cache meanwhile. Readers and writers of files, each at a rate.
//
// They run on the virtual clock from the start of the run to its end. The rate is what they would like: who is held up
// by a disk, by dirty limits or by reclaim does not catch up.
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

  /// Begins to work on `file` as HostSpec::background[index] says.
  void start(size_t index, host::FileIndex file, mm::Actor actor);
  /// The process was killed: its readers and writers stop where they are.
  void kill(int pid);
  /// Nobody begins another read or write.
  void stop() { stopped_ = true; }
  /// How many are in the middle of a read or write, where a page may be on its way to its place.
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

/// The number under which a file is known: what the recorder calls it, or one made of its path if the machine that
/// records has no such file.
uint64_t file_number(const std::string& path, uint64_t recorded_id);

}  // namespace oomcast::sim
