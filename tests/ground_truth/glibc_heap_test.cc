// The planner asks the kernel for memory when glibc would.
#include "tests/ground_truth/glibc_heap.h"

#include <gtest/gtest.h>

namespace oomcast::ground_truth {
namespace {

constexpr uint64_t kBrk = 1 << 24, kMapping = uint64_t{1} << 40;

TEST(GlibcHeap, GrowsTheBreakByAPaddedStep) {
  GlibcHeap heap(kBrk);
  std::vector<HeapCall> calls;
  EXPECT_EQ(heap.allocate(24, kMapping, calls), kBrk + 16);
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].bytes, 132u << 10) << "a first malloc grows the heap by 33 pages";
  EXPECT_EQ(heap.allocate(24, kMapping, calls), kBrk + 16 + 32);
  EXPECT_EQ(calls.size(), 1u);
}

TEST(GlibcHeap, MapsLargeBlocksAndLearnsFromTheirFree) {
  GlibcHeap heap(kBrk);
  std::vector<HeapCall> calls;
  const uint64_t large = heap.allocate(1 << 20, kMapping, calls);
  EXPECT_EQ(large, kMapping + 16);
  EXPECT_EQ(calls.at(0).bytes, (1u << 20) + 4096);
  heap.release(large, calls);
  EXPECT_FALSE(calls.at(1).map);
  EXPECT_EQ(heap.allocate(900 << 10, kMapping, calls), kBrk + 16) << "below the raised threshold: from the break";
}

TEST(GlibcHeap, KeepsAHoleBelowALiveBlockAndReusesIt) {
  GlibcHeap heap(kBrk);
  std::vector<HeapCall> calls;
  std::vector<uint64_t> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(heap.allocate(700, kMapping, calls));
  heap.allocate(700, kMapping, calls);
  const uint64_t end = heap.end();
  for (const uint64_t block : blocks) heap.release(block, calls);
  EXPECT_EQ(heap.end(), end);
  EXPECT_EQ(heap.allocate(5000, kMapping, calls), blocks[0]);
}

TEST(GlibcHeap, TrimsTheTopWhenTheLastBlockGoes) {
  GlibcHeap heap(kBrk);
  std::vector<HeapCall> calls;
  std::vector<uint64_t> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(heap.allocate(5000, kMapping, calls));
  calls.clear();
  for (const uint64_t block : blocks) heap.release(block, calls);
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_FALSE(calls[0].map);
  EXPECT_LE(heap.end() - heap.start(), 136u << 10) << "what stays is the padding";
}

}  // namespace
}  // namespace oomcast::ground_truth
