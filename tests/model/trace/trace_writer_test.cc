// A trace is written while the program runs; if writing fails, the run goes on without it.
#include "model/trace/trace_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/trace/trace_reader.h"
#include "tests/model/trace/recorded_run.h"

namespace oomcast::trace {
namespace {

/// A model that watches every page that is touched, and asks for a kill at each event.
class Watcher : public EventSink {
 public:
  void feed(const Event& event) override {
    fed.push_back(event);
    if (event.kind == EventKind::kTouch) watches.push_back({event.pid, event.address});
    kills.push_back({event.pid});
  }
  void take_watches(std::vector<WatchRequest>& out) override {
    out.insert(out.end(), watches.begin(), watches.end());
    watches.clear();
  }
  void take_kills(std::vector<KillRequest>& out) override {
    out.insert(out.end(), kills.begin(), kills.end());
    kills.clear();
  }
  uint64_t headroom_pages() const override { return headroom; }

  std::vector<Event> fed;
  std::vector<WatchRequest> watches;
  std::vector<KillRequest> kills;
  uint64_t headroom = 100;
};

Event touch_at(uint64_t time_ns) {
  Event touch = event(EventKind::kTouch, 0x1000, 4096, kWrite).event;
  touch.time_ns = time_ns;
  return touch;
}

TEST(TraceWriter, WritesABlockForEachSecondSoThatAKillLosesNoMore) {
  size_t blocks = 0;
  TraceWriter writer([&](std::string_view) { return ++blocks, true; }, {});
  EXPECT_EQ(blocks, 2u) << "file head and header";
  for (uint64_t ms = 0; ms <= 5000; ms += 100) writer.add(touch_at(1'000'000'000 + ms * 1'000'000));
  EXPECT_GE(blocks, 2u + 4);
  EXPECT_LE(blocks, 2u + 5);
}

TEST(TraceWriter, AFullDiskEndsTheTraceAndNothingElse) {
  size_t calls = 0;
  TraceWriter writer([&](std::string_view) { return ++calls < 3; }, {});
  for (uint64_t s = 0; s < 10; ++s) writer.add(touch_at(s * 2'000'000'000));
  writer.finish({});
  EXPECT_TRUE(writer.failed());
  EXPECT_EQ(calls, 3u) << "the head, the header, and one try";
}

TEST(TraceWriter, TheWatchesOfOneEventGoIntoSeveralBlocks) {
  std::string file;
  TraceWriter writer([&](std::string_view block) { return file.append(block), true; }, {});
  writer.add(touch_at(1'000'000'000));
  constexpr uint64_t kWatches = 4'000'000;
  for (uint64_t i = 0; i < kWatches; ++i) writer.add_watch({100, i * 8 * 4096});
  writer.add(touch_at(1'000'001'000));
  writer.finish({});
  ASSERT_FALSE(writer.failed());
  auto reader = TraceReader::open(file, "t.trace");
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  uint64_t watches = 0, touches = 0;
  Record record;
  TraceReader::Step step;
  while ((step = reader->next(record)) == TraceReader::Step::kRecord) record.is_watch ? ++watches : ++touches;
  EXPECT_EQ(step, TraceReader::Step::kEnd) << reader->error();
  EXPECT_EQ(touches, 2u);
  EXPECT_EQ(watches, kWatches);
}

TEST(RecordingSink, PassesEverythingOnAndWritesBothDirections) {
  Watcher model;
  std::string bytes;
  TraceWriter writer([&](std::string_view block) { return bytes.append(block), true; }, {});
  RecordingSink sink(model, &writer, nullptr);
  sink.feed(touch_at(7'654'321));
  std::vector<WatchRequest> watches;
  sink.take_watches(watches);
  std::vector<KillRequest> kills;
  sink.take_kills(kills);
  writer.finish({});
  ASSERT_EQ(model.fed.size(), 1u);
  EXPECT_EQ(model.fed[0].time_ns, 7'000'000u) << "the live model gets the rounded time that a replay will read";
  EXPECT_EQ(watches.size(), 1u);
  EXPECT_EQ(kills.size(), 1u);
  EXPECT_EQ(sink.headroom_pages(), 100u);
  const ReadBack back = read(bytes);
  ASSERT_EQ(back.records.size(), 2u);
  EXPECT_TRUE(same(back.records[0].event, model.fed[0]));
  EXPECT_TRUE(back.records[1].is_watch);
  EXPECT_EQ(back.records[1].event.address, 0x1000u);
}

TEST(RecordingSink, ASecondModelGetsEventsAndWatchesButItsKillsAreDropped) {
  Watcher model, second;
  second.headroom = 3;
  RecordingSink sink(model, nullptr, &second);
  sink.feed(touch_at(0));
  std::vector<WatchRequest> watches;
  sink.take_watches(watches);
  std::vector<KillRequest> kills;
  sink.take_kills(kills);
  EXPECT_EQ(second.fed.size(), 1u);
  EXPECT_EQ(watches.size(), 2u);
  EXPECT_EQ(kills.size(), 1u);
  EXPECT_EQ(sink.headroom_pages(), 3u);
}

}  // namespace
}  // namespace oomcast::trace
