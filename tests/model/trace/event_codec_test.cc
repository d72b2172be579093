// Events come out of a block as they went in, however odd they are.
#include "model/trace/event_codec.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/model/trace/recorded_run.h"

namespace oomcast::trace {
namespace {

std::vector<Event> round_trip(const std::vector<Event>& events, size_t* bytes = nullptr) {
  EventEncoder encoder;
  for (const Event& event : events) encoder.add(event);
  const std::string payload = encoder.take();
  if (bytes) *bytes = payload.size();
  EventDecoder decoder;
  std::vector<Event> out;
  if (!decoder.open(payload)) return out;
  Record record;
  EventDecoder::Step step;
  while ((step = decoder.next(record)) == EventDecoder::Step::kRecord) out.push_back(record.event);
  EXPECT_EQ(step, EventDecoder::Step::kEnd);
  return out;
}

bool same(const std::vector<Event>& a, const std::vector<Event>& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](const Event& x, const Event& y) { return trace::same(x, y); });
}

/// Small numbers often, any number at times: what differs from the last event is where mistakes live.
rc::Gen<uint64_t> any_number() {
  return rc::gen::oneOf(rc::gen::inRange<uint64_t>(0, 3),
                        rc::gen::map(rc::gen::inRange<uint64_t>(0, 1 << 20), [](uint64_t page) { return page << 12; }),
                        rc::gen::arbitrary<uint64_t>(), rc::gen::just(~uint64_t{0}), rc::gen::just(uint64_t{1} << 63));
}

rc::Gen<Event> any_event() {
  return rc::gen::exec([] {
    Event event;
    event.kind = static_cast<EventKind>(*rc::gen::inRange<int>(1, static_cast<int>(EventKind::kMapFile) + 1));
    event.time_ns = *rc::gen::inRange<uint64_t>(0, 1'000'000) * kTraceTimeUnitNs;
    event.compute_ns = *any_number();
    event.wait_ns = *any_number();
    event.address = *any_number();
    event.bytes = *any_number();
    event.argument = *any_number();
    event.pid = *rc::gen::inRange<uint32_t>(0, 3);
    event.tid = *rc::gen::oneOf(rc::gen::inRange<uint32_t>(0, 5), rc::gen::arbitrary<uint32_t>());
    event.stack_id = *rc::gen::oneOf(rc::gen::just<uint32_t>(0), rc::gen::arbitrary<uint32_t>());
    event.cpu = *rc::gen::oneOf(rc::gen::just<uint16_t>(0), rc::gen::arbitrary<uint16_t>());
    event.flags = *rc::gen::oneOf(rc::gen::just<uint8_t>(1), rc::gen::arbitrary<uint8_t>());
    // A touch that wraps round the address space is refused by the reader.
    if (event.address + event.bytes < event.address) event.bytes = 0;
    return event;
  });
}

RC_GTEST_PROP(EventCodec, AnyEventsComeBackAsTheyWere, ()) {
  const auto events = *rc::gen::container<std::vector<Event>>(any_event());
  RC_ASSERT(same(round_trip(events), events));
}

TEST(EventCodec, SequentialTouchesCostTwoBytesBeforeCompression) {
  std::vector<Event> events;
  for (uint64_t i = 0; i < 10000; ++i)
    events.push_back(event(EventKind::kTouch, 0x7f0000000000 + i * 4096, 4096, kWrite).event);
  size_t bytes = 0;
  EXPECT_TRUE(same(round_trip(events, &bytes), events));
  EXPECT_LE(bytes, 2 * events.size() + 100);
}

TEST(EventCodec, NeighbouringWatchesAreOneRecord) {
  EventEncoder encoder;
  for (uint64_t page = 0; page < 100; ++page) encoder.add_watch({7, page * 4096});
  encoder.add_watch({8, 100 * 4096});
  const std::string payload = encoder.take();
  EventDecoder decoder;
  ASSERT_TRUE(decoder.open(payload));
  Record record;
  ASSERT_EQ(decoder.next(record), EventDecoder::Step::kRecord);
  EXPECT_TRUE(record.is_watch);
  EXPECT_EQ(record.event.pid, 7u);
  EXPECT_EQ(record.event.bytes, 100u * 4096);
  ASSERT_EQ(decoder.next(record), EventDecoder::Step::kRecord);
  EXPECT_EQ(record.event.pid, 8u);
  EXPECT_EQ(decoder.next(record), EventDecoder::Step::kEnd);
}

TEST(EventCodec, AnUnknownKindIsMalformedNotGuessed) {
  EventEncoder encoder;
  Event odd;
  odd.kind = static_cast<EventKind>(62);
  encoder.add(odd);
  const std::string payload = encoder.take();
  EventDecoder decoder;
  ASSERT_TRUE(decoder.open(payload));
  Record record;
  EXPECT_EQ(decoder.next(record), EventDecoder::Step::kMalformed);
}

TEST(EventCodec, ATouchAroundTheEndOfTheAddressSpaceIsMalformed) {
  EventEncoder encoder;
  encoder.add(event(EventKind::kTouch, ~uint64_t{4095}, 8192).event);
  const std::string payload = encoder.take();
  EventDecoder decoder;
  ASSERT_TRUE(decoder.open(payload));
  Record record;
  EXPECT_EQ(decoder.next(record), EventDecoder::Step::kMalformed);
}

TEST(EventCodec, BytesLeftOverInAColumnAreMalformed) {
  EventEncoder encoder;
  encoder.add(event(EventKind::kClock, 0, 0).event);
  std::string payload = encoder.take();
  // The last column has size 0; one byte more, and one byte at the end.
  payload[11] = static_cast<char>(payload[11] + 1);
  payload.push_back('\0');
  EventDecoder decoder;
  ASSERT_TRUE(decoder.open(payload));
  Record record;
  ASSERT_EQ(decoder.next(record), EventDecoder::Step::kRecord);
  EXPECT_EQ(decoder.next(record), EventDecoder::Step::kMalformed);
}

}  // namespace
}  // namespace oomcast::trace
