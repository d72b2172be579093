// Pages that were written before their memory was registered count at once; pages that were only read count once they
// are written.
#include "preload/record/capture/late_counter.h"

#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

class LateCounterTest : public RoomsTest {
 protected:
  LateCounterTest() : fake(add_held()) {
    fake.memory.touch(at_page(0), 2);
    fake.memory.touch(at_page(2), 6, {.kind = FakePageKind::kZero});
  }
  FakeProcess fake;
};

TEST_F(LateCounterTest, WithoutTheLibraryZeroPagesAreArmedForTheirFirstWrite) {
  learn(fake, fake.memory.map(at_page(0), 16));
  EXPECT_THAT(written(fake.process), ElementsAre(0, 1));
  EXPECT_THAT(fake.channel.armed, ElementsAre(at_page(2), at_page(3), at_page(4), at_page(5), at_page(6), at_page(7)));
}

TEST_F(LateCounterTest, WithTheLibraryNoZeroPageIsArmed) {
  share_area(fake.process);
  learn(fake, fake.memory.map(at_page(0), 16));
  EXPECT_THAT(written(fake.process), ElementsAre(0, 1));
  EXPECT_THAT(fake.channel.armed, IsEmpty());
}

}  // namespace
}  // namespace oomcast::record
