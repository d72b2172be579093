// Merges the events of several recordings into one stream, in the order of the time at which each happens now.
//
// Recordings know nothing of each other: within one the order of arrival is kept, between them the clock of whoever
// consumes the events decides, who may delay one of them (a modelled stall) and not the others. One record of each is
// in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "model/base/units.h"
#include "model/trace/event_codec.h"
#include "model/trace/trace_reader.h"

namespace oomcast::trace {

/// Where records come from: a recording, or a test's list.
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  /// As TraceReader::next().
  virtual TraceReader::Step next(Record& out) = 0;
};

/// When events happen, as the consumer has it.
class MergeClock {
 public:
  virtual ~MergeClock() = default;
  /// When the next event of the stream happens; absent while its task waits for something of which the consumer knows
  /// when it ends. It stays as it is until the stream's next event is taken, or it was absent.
  virtual std::optional<Nanoseconds> due(size_t stream, const Event& event) = 0;
  /// Lets the next thing happen in the consumer that is due by `limit`. False: there is none.
  virtual bool pass(Nanoseconds limit) = 0;
};

class EventMerge {
 public:
  /// Streams are numbered in the order in which they stand here; of events at the same time the lower number comes
  /// first.
  EventMerge(std::vector<std::unique_ptr<RecordSource>> sources, MergeClock& clock);

  struct Item {
    size_t stream = 0;
    Record record;  // a watch follows the event that it was recorded after, before any other event
  };
  enum class Step {
    kItem,
    kEnd,      // all streams have ended
    kDamaged,  // `stream` has; nothing follows
  };
  /// REQUIRES: what came before has been consumed, so that the clock knows of it.
  Step next(Item& out);
  /// How the stream ended, kRecord if it has not.
  TraceReader::Step end_of(size_t stream) const { return streams_[stream].end; }

 private:
  struct Stream {
    std::unique_ptr<RecordSource> source;
    Record head;
    TraceReader::Step end = TraceReader::Step::kRecord;
  };
  struct Turn {
    Nanoseconds due;
    size_t stream;
    bool operator>(const Turn& other) const { return due != other.due ? due > other.due : stream > other.stream; }
  };
  bool read(size_t stream);
  void line_up(size_t stream);
  void let_waiting_go_on();

  std::vector<Stream> streams_;
  MergeClock& clock_;
  std::priority_queue<Turn, std::vector<Turn>, std::greater<>> turns_;
  std::vector<size_t> waiting_;      // streams whose next event waits for its task
  std::optional<size_t> unread_;     // the stream of the last item: what follows it is not read yet
  std::vector<size_t> not_started_;  // nothing of them has been read
};

}  // namespace oomcast::trace
