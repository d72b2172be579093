// The rooms of the recorder over a sink that keeps every event, a clock that the test moves and processes that are no
// guests.
#pragma once

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memory>
#include <utility>
#include <vector>

#include "preload/record/rooms.h"
#include "tests/preload/record/fake_channel.h"
#include "tests/preload/record/fake_memory.h"
#include "tests/preload/record/recording_sink.h"

namespace oomcast::record {

// Names that nearly every test of the rooms uses.
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using trace::EventKind;

class FakeClocks : public Clocks {
 public:
  uint64_t now_ns() const override { return now; }
  uint64_t cpu_ns() const override { return cpu; }
  uint64_t now = 1'000'000'000, cpu = 0;
};

/// All that an EventFeed needs.
struct FedTable {
  explicit FedTable(bool kill_on_oom = false)
      : feed(sink, processes, sites, notes, count, clocks, stash, kill_on_oom) {}

  /// A process with the pid of the test, of which nothing is known.
  Process& add_process() { return processes.add(std::make_unique<Process>(static_cast<uint32_t>(::getpid()))); }

  RecordingSink sink;
  FakeClocks clocks;
  CaptureNotes notes{TrackerKind::kUserfaultfd, 0};
  Statistics count;
  StackTable stacks;
  ProcessTable processes;
  Sites sites{stacks, clocks, 65536};
  Stash stash{notes, count};
  EventFeed feed;
};

/// A process of which the test is the kernel.
struct FakeProcess {
  FakeProcess(Process& added, FakeMemory* its_memory, FakeChannel* its_channel)
      : process(added), memory(*its_memory), channel(*its_channel) {}
  Process& process;
  FakeMemory& memory;
  FakeChannel& channel;  // of no use while the process is polled
};

/// All rooms. The run begins in the polling phase.
class RoomsTest : public testing::Test {
 protected:
  // Where the program of the test has nothing mapped.
  static constexpr uint64_t kStart = 0x10'0000'0000;
  // No process has such a pid: /proc says nothing of it.
  static constexpr uint32_t kFirstPid = 5'000'000, kSecondPid = 5'000'001, kThirdPid = 5'000'002;
  static constexpr uint64_t at_page(uint64_t number) { return kStart + number * kPage; }

  static RecordOptions options_of_test() {
    RecordOptions options;
    options.begin_in_polling_phase = true;
    return options;
  }
  explicit RoomsTest(RecordOptions with = options_of_test())
      : options(std::move(with)), rooms(options, TrackerKind::kUserfaultfd, sink, clocks, [](uint32_t, uint32_t) {}) {}

  /// Polled by its page tables; no event reports what it frees.
  FakeProcess add_polled(uint32_t pid = kFirstPid) {
    auto process = std::make_unique<Process>(pid);
    auto memory = std::make_unique<FakeMemory>();
    auto channel = std::make_unique<FakeChannel>();
    FakeMemory* const its_memory = memory.get();
    FakeChannel* const its_channel = channel.get();
    process->memory = std::move(memory);
    process->fault_fd = OptionalChannel(std::move(channel));
    process->comm = "fake";
    process->life.started_ns = clocks.now + pid;
    return {rooms.processes.add(std::move(process)), its_memory, its_channel};
  }
  /// Each touch of its memory is held.
  FakeProcess add_held(uint32_t pid = kFirstPid) {
    FakeProcess fake = add_polled(pid);
    fake.process.tracker = TrackerKind::kUserfaultfd;
    fake.process.exact = true;
    return fake;
  }
  /// Gives the process a shared area, as after its hello.
  static void share_area(Process& process) {
    void* const area =
        ::mmap(nullptr, sizeof(ring::SharedArea), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    process.shared = std::make_unique<SharedMapping>(area);
  }
  /// The sink and the recorder know the mapping.
  void learn(FakeProcess& fake, const Vma& vma) { rooms.mappings.learn(fake.process, vma, false); }

  /// Events of one kind, in order.
  std::vector<trace::Event> events(EventKind kind) const {
    std::vector<trace::Event> found;
    for (const trace::Event& event : sink.events)
      if (event.kind == kind) found.push_back(event);
    return found;
  }
  /// The ranges of such events.
  std::vector<PageRange> ranges(EventKind kind) const {
    std::vector<PageRange> found;
    for (const trace::Event& event : events(kind)) found.emplace_back(event.address, event.address + event.bytes);
    return found;
  }
  /// Pages that the sink knows as written for the first time in the process, in order and counted from kStart.
  std::vector<uint64_t> written(const Process& process) const {
    std::vector<uint64_t> found;
    for (const trace::Event& event : events(EventKind::kTouch))
      if (event.pid == process.pid && (event.flags & trace::kWrite) != 0)
        for (uint64_t at = event.address; at < event.address + event.bytes; at += kPage)
          found.push_back((at - kStart) / kPage);
    return found;
  }

  RecordOptions options;
  RecordingSink sink;
  FakeClocks clocks;
  Rooms rooms;
};

}  // namespace oomcast::record
