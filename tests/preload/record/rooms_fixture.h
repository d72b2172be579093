// The rooms of the recorder over a sink that keeps every event, a clock that the test moves and a process that is no
// guest.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <utility>
#include <vector>

#include "preload/record/rooms.h"
#include "tests/preload/record/fake_channel.h"
#include "tests/preload/record/recording_sink.h"

namespace oomcast::record {

class FakeClocks : public Clocks {
 public:
  uint64_t now_ns() const override { return now; }
  uint64_t cpu_ns() const override { return cpu; }
  uint64_t now = 1'000'000'000, cpu = 0;
};

/// All that an EventFeed needs.
struct FedTable {
  explicit FedTable(bool kill_on_oom = false) : feed(sink, processes, sites, notes, count, clocks, kill_on_oom) {}

  /// A process with the pid of the test, of which nothing is known.
  Process& add_process() {
    auto process = std::make_unique<Process>();
    process->pid = static_cast<uint32_t>(::getpid());
    return processes.add(std::move(process));
  }

  RecordingSink sink;
  FakeClocks clocks;
  CaptureNotes notes{TrackerKind::kUserfaultfd, 0};
  Statistics count;
  StackTable stacks;
  ProcessTable processes;
  Sites sites{stacks, clocks, 65536};
  EventFeed feed;
};

}  // namespace oomcast::record
