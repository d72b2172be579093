// Packs events into few bytes: each field as its difference from the same task's last event, each field in a column.
//
// A payload stands alone: nothing from an earlier block is needed to read it. README.md has the grammar.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/trace/event.h"
#include "model/trace/event_sink.h"
#include "model/trace/varint.h"

namespace oomcast::trace {

/// Resolution of Event::time_ns in a trace. Wall time is for display only, so milliseconds are enough.
inline constexpr uint64_t kTraceTimeUnitNs = 1'000'000;
inline constexpr uint64_t kWatchPageBytes = 4096;

/// What a trace holds, in order: an event, or a watch (see WatchRequest) that the recording's model asked for after it.
struct Record {
  Event event;
  bool is_watch = false;  // then [address, +bytes) of process `pid` was to be watched, in whole pages
};

/// What the encoder and the decoder both remember, so that only differences need bytes.
class CodecState {
 protected:
  static constexpr size_t kKinds = 64;
  static constexpr uint8_t kWatchKind = 63;
  enum Column : size_t {
    kHeads,
    kTasks,
    kTimes,
    kComputes,
    kWaits,
    kAddresses,
    kBytes,
    kArguments,
    kStacks,
    kCpus,
    kFlags,
    kColumns
  };
  enum Mask : uint8_t {
    kHasTime = 1,
    kHasCompute = 2,
    kHasWait = 4,
    kHasBytes = 8,
    kHasArgument = 16,
    kHasStack = 32,
    kHasCpu = 64,
    kHasFlags = 128
  };
  static constexpr uint8_t kOtherTask = 0x40;  // a bit of the head byte, whose low six bits are the kind
  static constexpr uint8_t kNewMask = 0x80;

  struct Task {
    uint32_t pid = 0, tid = 0;
    uint16_t cpu = 0;
    std::array<uint64_t, kKinds> next_address{}, next_argument{};
  };
  struct Kind {
    uint64_t bytes = 0;
    uint8_t flags = 0, mask = 0;
  };

  Task& task() { return tasks_[task_]; }
  void learn(const Event& event);
  void reset();

  std::vector<Task> tasks_;
  size_t task_ = 0;
  std::array<Kind, kKinds> kinds_{};
  uint64_t time_units_ = 0;
};

class EventEncoder : private CodecState {
 public:
  EventEncoder() { reset(); }
  void add(const Event& event);
  void add_watch(const WatchRequest& watch);
  /// The payload is large enough for a block: take() it before the next add().
  bool full() const;
  bool empty() const { return records_ == 0 && watch_.bytes == 0; }
  /// Returns the payload of all that was added, and resets the encoder.
  std::string take();

 private:
  void put(const Event& event, uint8_t kind);
  void put_task(const Event& event);
  void flush_watch();
  size_t bytes() const;

  std::array<std::string, kColumns> columns_;
  std::map<std::pair<uint32_t, uint32_t>, size_t> task_of_;
  uint64_t records_ = 0;
  Event watch_;  // the watch that grows while adjacent pages are added; bytes == 0: none
};

class EventDecoder : private CodecState {
 public:
  EventDecoder() = default;
  /// Returns false if `payload` is malformed. REQUIRES: `payload` outlives the decoder.
  bool open(std::string_view payload);
  enum class Step { kRecord, kEnd, kMalformed };
  Step next(Record& out);

 private:
  bool read(Record& out);
  bool read_task();

  std::array<ByteCursor, kColumns> columns_;
  uint64_t left_ = 0;
};

}  // namespace oomcast::trace
