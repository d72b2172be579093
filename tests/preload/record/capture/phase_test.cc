// Once the target nears its next watermark, touches are held until the end of the run.
#include "preload/record/capture/phase.h"

#include <gmock/gmock.h>

#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kGiBPages = (uint64_t{1} << 30) / kPage;

class PhaseTest : public RoomsTest {
 protected:
  PhaseTest() { sink.headroom = 4 * kGiBPages; }
};

TEST_F(PhaseTest, TheExactPhaseBeginsAGibibyteBeforeTheWatermark) {
  sink.headroom = kGiBPages;
  EXPECT_FALSE(rooms.phase.nears_watermark());
  sink.headroom = kGiBPages - 1;
  EXPECT_TRUE(rooms.phase.nears_watermark());
}

TEST_F(PhaseTest, TheExactPhaseBeginsEarlierForAProgramThatTouchesFaster) {
  FakeProcess fake = add_polled();
  constexpr uint64_t kFound = kGiBPages / 8;  // in 20 ms
  fake.memory.map(kStart, kFound);
  fake.process.last_maps = fake.memory.vmas;
  rooms.poller.note_where_to_scan(fake.process);
  fake.memory.touch(kStart, kFound);
  rooms.meter.read_resident(fake.process);
  rooms.poller.scan_touches(fake.process, Touches::kAll, false);
  sink.headroom = 2 * kGiBPages;
  EXPECT_FALSE(rooms.phase.nears_watermark()) << "sixteen such ticks are left";
  sink.headroom -= 1;
  EXPECT_TRUE(rooms.phase.nears_watermark());
}

TEST_F(PhaseTest, ARunBeginsInThePollingPhaseWhereThereIsRoom) {
  const Phase phase(rooms.feed, rooms.poller, rooms.notes, clocks, true);
  EXPECT_FALSE(phase.exact());
  const Phase held(rooms.feed, rooms.poller, rooms.notes, clocks, false);
  EXPECT_TRUE(held.exact());
}

TEST_F(PhaseTest, ARunThatBeginsAtAWatermarkIsExactFromTheStart) {
  sink.headroom = 0;
  const Phase phase(rooms.feed, rooms.poller, rooms.notes, clocks, true);
  EXPECT_TRUE(phase.exact());
}

TEST_F(PhaseTest, TheExactPhaseDoesNotEnd) {
  Phase phase(rooms.feed, rooms.poller, rooms.notes, clocks, true);
  phase.begin_exact_phase();
  EXPECT_TRUE(phase.exact());
  EXPECT_FALSE(phase.nears_watermark()) << "there is room again";
  EXPECT_TRUE(phase.exact());
}

}  // namespace
}  // namespace oomcast::record
