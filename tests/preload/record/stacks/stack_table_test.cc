// A site is a kind of memory and a stack; the same stack is stored once.
#include "preload/record/stacks/stack_table.h"

#include <gmock/gmock.h>

#include <array>

namespace oomcast::record {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::array<uint64_t, 3> kStack{0x1000, 0x2000, 0};  // a 0 ends it

class StackTableTest : public testing::Test {
 protected:
  std::vector<Vma> no_maps;
  StackTable stacks;
};

TEST_F(StackTableTest, TheSameStackHasTheSameNumber) {
  EXPECT_EQ(stacks.intern(kStack, no_maps), 1u);
  EXPECT_EQ(stacks.intern(kStack, no_maps), 1u);
  EXPECT_EQ(stacks.intern(std::array<uint64_t, 1>{0x3000}, no_maps), 2u);
  EXPECT_EQ(stacks.size(), 2u);
}

TEST_F(StackTableTest, ASiteIsAlsoTheKindOfItsMemory) {
  const uint32_t heap = stacks.intern(kStack, no_maps);
  const uint32_t thread_stack = stacks.intern(kStack, no_maps, SiteKind::kStack);
  EXPECT_NE(heap, thread_stack);
  EXPECT_EQ(stacks.intern_kind(SiteKind::kStack), stacks.intern_kind(SiteKind::kStack));
  EXPECT_NE(stacks.intern_kind(SiteKind::kStack), thread_stack) << "the kind alone has no stack";
  EXPECT_THAT(stacks.kinds(), ElementsAre(site_kind_name(SiteKind::kHeap), site_kind_name(SiteKind::kStack),
                                          site_kind_name(SiteKind::kStack)));
}

TEST_F(StackTableTest, AnEmptyStackIsASiteOnlyForAThreadsStack) {
  EXPECT_EQ(stacks.intern({}, no_maps), 0u);
  EXPECT_NE(stacks.intern({}, no_maps, SiteKind::kStack), 0u);
}

TEST_F(StackTableTest, OnlyStacksThatWillBeReadAreNamed) {
  const uint32_t read = stacks.intern(kStack, no_maps);
  stacks.intern(std::array<uint64_t, 1>{0x3000}, no_maps);
  stacks.will_be_read(read);
  stacks.will_be_read(0);  // no site
  EXPECT_THAT(stacks.resolve(), ElementsAre(ElementsAre("0x1000", "0x2000"), IsEmpty()));
}

TEST_F(StackTableTest, AFrameInAFileIsThatOfEveryProcessThatHasMappedIt) {
  Vma code;
  code.start = 0x10000;
  code.end = 0x20000;
  code.executable = true;
  code.name = "/usr/bin/program";
  const uint32_t here = stacks.intern(std::array<uint64_t, 1>{0x10123}, {code});
  code.start += 0x50000;
  code.end += 0x50000;
  EXPECT_EQ(stacks.intern(std::array<uint64_t, 1>{0x60123}, {code}), here) << "wherever it lies";
}

}  // namespace
}  // namespace oomcast::record
