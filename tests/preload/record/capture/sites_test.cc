// Touched memory belongs to the sampled call that asked for it, or to its kind of memory.
#include "preload/record/capture/sites.h"

#include <gtest/gtest.h>

#include "preload/record/kernel/pages.h"
#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

constexpr uint64_t kBase = 0x10'0000'0000, kFar = kBase + 1000 * kPage;

class SitesTest : public testing::Test {
 protected:
  SitesTest() : process(table.add_process()) {}
  void map(uint64_t start, uint64_t pages, bool stack = false, bool shared = false) {
    Area area;
    area.start = start;
    area.end = start + pages * kPage;
    area.anonymous = true;
    area.stack = stack;
    area.shared = shared;
    process.map.insert(area);
  }
  std::string kind_of(uint32_t site) const { return site == 0 ? "unsampled" : table.stacks.kinds()[site - 1]; }
  Sites::Run at(uint64_t address) { return table.sites.at(process, address, kFar); }

  FedTable table;
  Process& process;
};

TEST_F(SitesTest, MemoryThatWasNotSampledIsAsItsMappingSays) {
  map(kBase, 4, true);
  map(kBase + 4 * kPage, 4, false, true);
  map(kBase + 8 * kPage, 4);
  EXPECT_EQ(kind_of(at(kBase).id), "stack");
  EXPECT_EQ(kind_of(at(kBase + 4 * kPage).id), "shared");
  EXPECT_EQ(kind_of(at(kBase + 8 * kPage).id), "unsampled");
  EXPECT_EQ(at(kBase).end, kBase + 4 * kPage) << "the run ends with the mapping";
}

TEST_F(SitesTest, ASampleCoversItsMemoryAndNoMore) {
  map(kBase, 16);
  process.sampled[kBase + 2 * kPage] = {kBase + 4 * kPage, 9, true, SiteKind::kMmap};
  EXPECT_EQ(at(kBase).id, 0u);
  EXPECT_EQ(at(kBase).end, kBase + 2 * kPage);
  EXPECT_EQ(at(kBase + 3 * kPage).id, 9u);
  EXPECT_EQ(at(kBase + 3 * kPage).end, kBase + 4 * kPage);
  EXPECT_EQ(at(kBase + 4 * kPage).id, 0u);
}

TEST_F(SitesTest, BesideASampleOfTheAllocatorsIsTheAllocators) {
  map(kBase, 16);
  process.sampled[kBase + 2 * kPage] = {kBase + 3 * kPage, 9, false, SiteKind::kHeap};
  EXPECT_EQ(kind_of(at(kBase + 8 * kPage).id), "heap");
}

TEST_F(SitesTest, MovedMemoryKeepsItsSite) {
  process.sampled[kBase] = {kBase + 4 * kPage, 5, true, SiteKind::kMmap};
  process.sampled[kFar] = {kFar + kPage, 6, true, SiteKind::kMmap};
  Sites::move_samples(process, kBase, kFar, 2 * kPage);
  EXPECT_FALSE(process.sampled.contains(kBase));
  ASSERT_TRUE(process.sampled.contains(kFar));
  EXPECT_EQ(process.sampled[kFar].stack_id, 5u);
  EXPECT_EQ(process.sampled[kFar].end, kFar + 2 * kPage) << "no more than has been moved";
}

}  // namespace
}  // namespace oomcast::record
