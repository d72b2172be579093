// Events of several recordings come in the order of the time at which each happens, and none is lost.
#include "model/trace/event_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <utility>

namespace oomcast::trace {
namespace {

using testing::ElementsAre;
using Step = TraceReader::Step;

/// Event `number` of its stream happens `after` its stream's last one.
Record event(uint64_t number, uint64_t after) {
  Record record;
  record.event.argument = number;
  record.event.wait_ns = after;
  return record;
}
Record watch(uint64_t number) {
  Record record = event(number, 0);
  record.is_watch = true;
  return record;
}

class Listed final : public RecordSource {
 public:
  explicit Listed(std::vector<Record> records, Step end = Step::kEnd) : records_(std::move(records)), end_(end) {}
  Step next(Record& out) override {
    if (at_ == records_.size()) return end_;
    out = records_[at_++];
    return Step::kRecord;
  }

 private:
  std::vector<Record> records_;
  Step end_;
  size_t at_ = 0;
};

/// A model in which each stream is one task; after some of its events it is stalled until a time of the host's clock.
class Model final : public MergeClock {
 public:
  explicit Model(size_t streams) : last_(streams), stalled_until_(streams) {}

  std::optional<Nanoseconds> due(size_t stream, const Event& event) override {
    if (stalled_until_[stream] > now_) return std::nullopt;
    return std::max(last_[stream], stalled_until_[stream]) + Nanoseconds(static_cast<int64_t>(event.wait_ns));
  }
  bool pass(Nanoseconds limit) override {
    std::optional<Nanoseconds> next;
    for (const Nanoseconds until : stalled_until_)
      if (until > now_ && (!next || until < *next)) next = until;
    if (!next || *next > limit) return false;
    now_ = *next;
    return true;
  }
  void feed(const EventMerge::Item& item, Nanoseconds stall = {}) {
    if (item.record.is_watch) return;
    const Nanoseconds when = std::max(last_[item.stream], stalled_until_[item.stream]) +
                             Nanoseconds(static_cast<int64_t>(item.record.event.wait_ns));
    times.push_back(when);
    last_[item.stream] = when;
    now_ = std::max(now_, when);
    if (stall.count() > 0) stalled_until_[item.stream] = now_ + stall;
  }
  std::vector<Nanoseconds> times;  // of the events, in the order in which they came

 private:
  std::vector<Nanoseconds> last_, stalled_until_;
  Nanoseconds now_;
};

std::vector<std::unique_ptr<RecordSource>> sources(const std::vector<std::vector<Record>>& streams) {
  std::vector<std::unique_ptr<RecordSource>> all;
  for (const auto& records : streams) all.push_back(std::make_unique<Listed>(records));
  return all;
}

/// Merges the streams into the model. Returns the events in their order, as stream and number, which `stalls` go by
/// too.
using Came = std::vector<std::pair<size_t, uint64_t>>;
Came merged(const std::vector<std::vector<Record>>& streams, Model& model,
            const std::map<std::pair<size_t, uint64_t>, int64_t>& stalls = {}) {
  EventMerge merge(sources(streams), model);
  Came came;
  EventMerge::Item item;
  while (merge.next(item) == EventMerge::Step::kItem) {
    came.emplace_back(item.stream, item.record.event.argument);
    const auto stall = stalls.find(came.back());
    model.feed(item, Nanoseconds(stall == stalls.end() ? 0 : stall->second));
  }
  for (size_t s = 0; s < streams.size(); ++s) EXPECT_EQ(merge.end_of(s), Step::kEnd);
  return came;
}

TEST(EventMerge, TakesTheEarlierEventAndAmongEqualsTheFirstStream) {
  Model model(2);
  const Came came = merged({{event(0, 5), event(1, 10)}, {event(0, 5), event(1, 2), event(2, 20)}}, model);
  EXPECT_THAT(
      came, ElementsAre(std::pair(0u, 0u), std::pair(1u, 0u), std::pair(1u, 1u), std::pair(0u, 1u), std::pair(1u, 2u)));
}

TEST(EventMerge, AStalledStreamHoldsNobodyElseBack) {
  Model model(2);
  const Came came = merged({{event(0, 1), event(1, 1)}, {event(0, 2), event(1, 10), event(2, 100)}}, model,
                           {{{0, 0}, 50}});  // until 51
  EXPECT_THAT(
      came, ElementsAre(std::pair(0u, 0u), std::pair(1u, 0u), std::pair(1u, 1u), std::pair(0u, 1u), std::pair(1u, 2u)));
}

TEST(EventMerge, AWatchFollowsTheEventThatItWasRecordedAfter) {
  Model model(2);
  const Came came = merged({{event(0, 1), watch(1), watch(2), event(3, 9)}, {event(0, 2), event(1, 1)}}, model);
  EXPECT_THAT(came, ElementsAre(std::pair(0u, 0u), std::pair(0u, 1u), std::pair(0u, 2u), std::pair(1u, 0u),
                                std::pair(1u, 1u), std::pair(0u, 3u)));
}

TEST(EventMerge, AStreamThatIsCutEndsAloneAndOneThatIsDamagedEndsAll) {
  for (const auto& [end, events] : {std::pair(Step::kCut, 3), std::pair(Step::kDamaged, 1)}) {
    std::vector<std::unique_ptr<RecordSource>> all;
    all.push_back(std::make_unique<Listed>(std::vector<Record>{event(0, 1)}, end));
    all.push_back(std::make_unique<Listed>(std::vector<Record>{event(0, 5), event(1, 5)}));
    Model model(2);
    EventMerge merge(std::move(all), model);
    EventMerge::Item item;
    EventMerge::Step step;
    int came = 0;
    while ((step = merge.next(item)) == EventMerge::Step::kItem) {
      model.feed(item);
      ++came;
    }
    EXPECT_EQ(came, events);
    EXPECT_EQ(step, end == Step::kCut ? EventMerge::Step::kEnd : EventMerge::Step::kDamaged);
    EXPECT_EQ(merge.end_of(0), end);
  }
}

TEST(EventMerge, NoStreamsAreAtTheirEnd) {
  Model model(0);
  EXPECT_THAT(merged({}, model), testing::IsEmpty());
  Model three(3);
  EXPECT_THAT(merged({{}, {event(0, 1)}, {}}, three), ElementsAre(std::pair(1u, 0u)));
}

RC_GTEST_PROP(EventMerge, IsOrderedAndLosesNothing, ()) {
  const auto waits = *rc::gen::container<std::vector<std::vector<uint8_t>>>(rc::gen::arbitrary<std::vector<uint8_t>>());
  std::vector<std::vector<Record>> streams;
  std::map<std::pair<size_t, uint64_t>, int64_t> stalls;
  for (size_t s = 0; s < waits.size(); ++s) {
    streams.emplace_back();
    for (uint64_t n = 0; n < waits[s].size(); ++n) {
      streams.back().push_back(waits[s][n] % 7 == 0 ? watch(n) : event(n, waits[s][n]));
      if (waits[s][n] % 5 == 0) stalls[{s, n}] = 1 + *rc::gen::inRange(0, 300);
    }
  }
  Model model(streams.size());
  const Came came = merged(streams, model, stalls);
  RC_ASSERT(std::is_sorted(model.times.begin(), model.times.end()));
  std::vector<uint64_t> next(streams.size(), 0);
  for (const auto& [stream, number] : came) RC_ASSERT(next[stream]++ == number);
  for (size_t s = 0; s < streams.size(); ++s) RC_ASSERT(next[s] == streams[s].size());
}

}  // namespace
}  // namespace oomcast::trace
