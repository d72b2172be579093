// What a program asks before it uses or frees memory is done before it goes on.
#include "preload/record/capture/memory_questions.h"

#include <gmock/gmock.h>

#include "preload/ring/file_notes.h"
#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

class MemoryQuestionsTest : public RoomsTest {
 protected:
  MemoryQuestionsTest() : fake(add_held()), process(fake.process), memory(fake.memory) {
    share_area(process);
    process.scans.begun = true;
  }
  static ring::Request question(uint64_t first, uint64_t pages) {
    ring::Request asked;
    asked.address = at_page(first);
    asked.bytes = pages * kPage;
    return asked;
  }

  FakeProcess fake;
  Process& process;
  FakeMemory& memory;
};

TEST_F(MemoryQuestionsTest, AMappingIsRegisteredBeforeTheGuestGoesOn) {
  ring::Request mapped = question(0, 8);
  mapped.argument = PROT_READ | PROT_WRITE;
  mapped.flags = MAP_NORESERVE;
  rooms.memory_questions.take_mapped(process, mapped);
  EXPECT_THAT(fake.channel.registered, ElementsAre(Pair(at_page(0), at_page(8))));
  ASSERT_THAT(sink.events, SizeIs(1));
  EXPECT_EQ(sink.events[0].flags, trace::kPrivate | trace::kAnonymous | trace::kWritable | trace::kNoReserve);
}

TEST_F(MemoryQuestionsTest, AMappingWithoutWritePermissionIsReportedSo) {
  ring::Request mapped = question(0, 8);
  mapped.argument = PROT_NONE;
  rooms.memory_questions.take_mapped(process, mapped);
  ASSERT_THAT(sink.events, SizeIs(1));
  EXPECT_FALSE(sink.events[0].flags & trace::kWritable);
}

TEST_F(MemoryQuestionsTest, AnUnknownPageIsLookedUpWithAllThatLiesThere) {
  memory.map(at_page(0), 4);
  memory.map(at_page(4), 4, false);
  ring::Request unknown = question(1, 6);
  rooms.memory_questions.take_unknown(process, unknown);
  EXPECT_THAT(ranges(EventKind::kMap), ElementsAre(Pair(at_page(0), at_page(4)), Pair(at_page(4), at_page(8))));
  EXPECT_TRUE((*process.shared)->known.contains(at_page(6)));
}

TEST_F(MemoryQuestionsTest, ALargeAllocationIsOneRequestWhateverLiesBesideIt) {
  const uint64_t pages = ring::kFoundPieceBytes / kPage;
  memory.map(at_page(0), 3 * pages);
  rooms.memory_questions.take_unknown(process, question(pages, pages + 1));
  ASSERT_FALSE(events(EventKind::kMap).empty());
  EXPECT_EQ(events(EventKind::kMap)[0].address, at_page(pages));
  EXPECT_EQ(events(EventKind::kMap)[0].bytes, (pages + 1) * kPage);
}

TEST_F(MemoryQuestionsTest, AnUnknownPageThatIsNotMappedIsKnownAllTheSame) {
  rooms.memory_questions.take_unknown(process, question(50, 1));
  EXPECT_THAT(sink.events, IsEmpty());
  EXPECT_TRUE((*process.shared)->known.contains(at_page(50))) << "or each allocation there would ask again";
}

TEST_F(MemoryQuestionsTest, APolledProcessThatFreesIsScannedFirst) {
  FakeProcess polled = add_polled(kSecondPid);
  polled.process.scans.begun = true;
  polled.memory.map(at_page(0), 64);
  learn(polled, polled.memory.vmas[0]);
  polled.memory.touch(at_page(0), 16);
  rooms.memory_questions.take_freeing(polled.process, question(0, 64));
  EXPECT_THAT(written(polled.process), SizeIs(16));
  EXPECT_EQ(polled.process.resident.counted_pages, 0u);
}

TEST_F(MemoryQuestionsTest, NothingIsFreedByARangeThatEndsBeforeItsStart) {
  FakeProcess polled = add_polled(kSecondPid);
  polled.memory.map(at_page(0), 64);
  learn(polled, polled.memory.vmas[0]);
  polled.memory.scanned.clear();
  rooms.memory_questions.take_freeing(polled.process, question(0, 0));
  EXPECT_THAT(polled.memory.scanned, IsEmpty());
}

TEST_F(MemoryQuestionsTest, TheHeapGrowsByWhatItsBreakHasMoved) {
  memory.map(at_page(0), 8);
  rooms.memory_questions.take_growth(process, question(0, 8));
  EXPECT_THAT(fake.channel.registered, ElementsAre(Pair(at_page(0), at_page(8))));
  EXPECT_EQ(process.heap.end, at_page(8));
}

}  // namespace
}  // namespace oomcast::record
