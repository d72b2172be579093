// Merges the events of several recordings into one stream, ordered by the time at which the consumer has each happen.
//
// Within a recording the order of arrival is kept. Between recordings the consumer's clock decides, because the
// consumer (the simulation) may delay the tasks of one recording by a modelled stall and not those of the others. One
// record of each recording is in memory.
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

/// A source of records: a recording, or the list of a test.
class RecordSource {
 public:
  virtual ~RecordSource() = default;
  /// As TraceReader::next().
  virtual TraceReader::Step next(Record& out) = 0;
};

/// The consumer's clock: when events happen in the consumer.
class MergeClock {
 public:
  virtual ~MergeClock() = default;
  /// The time at which the stream's next event happens, or nothing while its task waits for something whose end is not
  /// known yet. A time that was returned is valid until the stream's next event is taken.
  virtual std::optional<Nanoseconds> due(size_t stream, const Event& event) = 0;
  /// Lets the consumer do the next thing that is due by `limit`. False: there is none.
  virtual bool pass(Nanoseconds limit) = 0;
};

class EventMerge {
 public:
  /// The position in `sources` is the stream's number. Of events at the same time the one with the lower number is
  /// first.
  EventMerge(std::vector<std::unique_ptr<RecordSource>> sources, MergeClock& clock);

  struct Item {
    size_t stream = 0;
    Record record;  // a watch comes directly after the event that it was recorded after
  };
  enum class Step {
    kItem,
    kEnd,      // all streams have ended
    kDamaged,  // stream number `stream` is damaged; nothing follows
  };
  /// REQUIRES: the consumer has taken in the previous item, so that the clock knows of it.
  Step next(Item& out);
  /// How the stream ended; kRecord if it has not ended.
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
  std::vector<size_t> waiting_;      // streams whose next event has no time yet
  std::optional<size_t> unread_;     // the stream of the last item; its next record is not read yet
  std::vector<size_t> not_started_;  // streams of which no record is read yet
};

}  // namespace oomcast::trace
