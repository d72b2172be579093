// Merges the events of several recordings. See event_merge.h.
#include "model/trace/event_merge.h"

#include <algorithm>
#include <utility>

namespace oomcast::trace {

EventMerge::EventMerge(std::vector<std::unique_ptr<RecordSource>> sources, MergeClock& clock) : clock_(clock) {
  for (std::unique_ptr<RecordSource>& source : sources) {
    not_started_.push_back(streams_.size());
    streams_.push_back({std::move(source), {}, TraceReader::Step::kRecord});
  }
}

/// Reads the next record of the stream into `head`. False: the stream has ended (cut or damaged, too).
bool EventMerge::read(size_t stream) {
  Stream& of = streams_[stream];
  if (of.end == TraceReader::Step::kRecord) of.end = of.source->next(of.head);
  return of.end == TraceReader::Step::kRecord;
}

void EventMerge::line_up(size_t stream) {
  if (const auto due = clock_.due(stream, streams_[stream].head.event))
    turns_.push({*due, stream});
  else
    waiting_.push_back(stream);
}

// Asks the clock for each waiting stream again, in the order of their numbers. A stream with an answer gets its turn.
void EventMerge::let_waiting_go_on() {
  std::sort(waiting_.begin(), waiting_.end());
  for (const size_t stream : std::exchange(waiting_, {})) line_up(stream);
}

EventMerge::Step EventMerge::next(Item& out) {
  const auto give = [&](size_t stream) {
    out.stream = stream;
    out.record = streams_[stream].head;
    unread_ = stream;
    return Step::kItem;
  };
  const auto damaged = [&](size_t stream) {
    out.stream = stream;
    return Step::kDamaged;
  };
  if (unread_) {
    const size_t stream = *unread_;
    unread_.reset();
    if (read(stream)) {
      if (streams_[stream].head.is_watch) return give(stream);
      if (turns_.empty() && waiting_.empty() && not_started_.empty())
        return give(stream);  // the only stream left: its order needs no clock
      line_up(stream);
    } else if (streams_[stream].end == TraceReader::Step::kDamaged) {
      return damaged(stream);
    }
  }
  while (!not_started_.empty()) {
    const size_t stream = not_started_.back();
    not_started_.pop_back();
    if (read(stream))
      line_up(stream);
    else if (streams_[stream].end == TraceReader::Step::kDamaged)
      return damaged(stream);
  }
  while (!waiting_.empty()) {
    let_waiting_go_on();
    const Nanoseconds limit = turns_.empty() ? Nanoseconds(INT64_MAX) : turns_.top().due;
    if (waiting_.empty() || !clock_.pass(limit)) break;
  }
  if (turns_.empty() &&
      !waiting_.empty()) {  // pass() has nothing left that could end the waits: take the lowest stream
    const size_t stream = waiting_.front();
    waiting_.erase(waiting_.begin());
    return give(stream);
  }
  if (turns_.empty()) return Step::kEnd;
  const size_t stream = turns_.top().stream;
  turns_.pop();
  return give(stream);
}

}  // namespace oomcast::trace
