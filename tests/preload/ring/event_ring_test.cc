// The ring keeps order, drops when full, and survives a dead writer and garbage.
#include "preload/ring/event_ring.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "preload/ring/known_pages.h"

namespace oomcast::ring {
namespace {

/// As a guest meets it: memory that nobody has written yet.
struct Freed {
  void operator()(EventRing* ring) const { std::free(ring); }
};
std::unique_ptr<EventRing, Freed> fresh_ring() {
  return std::unique_ptr<EventRing, Freed>(static_cast<EventRing*>(std::calloc(1, sizeof(EventRing))));
}

TEST(EventRing, DropsAndCountsWhenFull) {
  auto ring = fresh_ring();
  for (uint64_t i = 0; i < kSlots; ++i) EXPECT_TRUE(ring->try_push({}));
  EXPECT_FALSE(ring->try_push({}));
  EXPECT_EQ(RingReader(ring.get()).lost(), 1u);
}

TEST(EventRing, KeepsOrderLapAfterLap) {
  auto ring = fresh_ring();
  RingReader reader(ring.get());
  RingRecord record;
  for (uint64_t i = 0; i < 3 * kSlots + 7; ++i) {
    ASSERT_TRUE(ring->try_push({.bytes = i}));
    ASSERT_TRUE(reader.pop(record));
    ASSERT_EQ(record.event.bytes, i);
    ASSERT_FALSE(reader.pop(record));
  }
}

TEST(EventRing, ManyWritersLoseNothingThatFits) {
  auto ring = fresh_ring();
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w)
    writers.emplace_back([&] {
      for (uint64_t i = 0; i < kSlots / 4; ++i) ring->try_push({.bytes = 1});
    });
  for (std::thread& writer : writers) writer.join();
  RingReader reader(ring.get());
  RingRecord record;
  uint64_t seen = 0;
  while (reader.pop(record)) seen += record.event.bytes;
  EXPECT_EQ(seen, kSlots);
}

TEST(EventRing, StepsOverAWriterThatDied) {
  auto ring = fresh_ring();
  ring->head.fetch_add(1);  // claimed, never published
  ring->try_push({.bytes = 7});
  RingReader reader(ring.get());
  RingRecord record;
  EXPECT_FALSE(reader.pop(record));
  EXPECT_TRUE(reader.stuck());
  reader.skip_one();
  ASSERT_TRUE(reader.pop(record));
  EXPECT_EQ(record.event.bytes, 7u);
  EXPECT_EQ(reader.lost(), 1u);
}

TEST(EventRing, AnOverwrittenRingDoesNotHoldTheWriter) {
  auto ring = fresh_ring();
  ring->slots[0].lap.store(5000, std::memory_order_relaxed);  // beyond every position that `head` will lead to
  EXPECT_FALSE(ring->try_push({}));
  EXPECT_EQ(ring->dropped.load(), 1u);
}

TEST(EventRing, AnAbsurdFrameCountIsCutDown) {
  auto ring = fresh_ring();
  ring->try_push({});
  ring->slots[0].frame_count = ~uint64_t{0};
  RingReader reader(ring.get());
  RingRecord record;
  ASSERT_TRUE(reader.pop(record));
  EXPECT_LE(record.frame_count, kFramesMax);
}

TEST(KnownPages, KnowsExactlyTheRangesSet) {
  auto table = std::make_unique<KnownPages>();
  KnownPagesWriter writer(table.get());
  writer.set(0x7f0000001000, 0x7f0000042000, true);
  EXPECT_FALSE(table->contains(0x7f0000000fff));
  EXPECT_TRUE(table->contains(0x7f0000001000));
  EXPECT_TRUE(table->contains(0x7f0000041fff));
  EXPECT_FALSE(table->contains(0x7f0000042000));
  writer.set(0x7f0000010000, 0x7f0000011000, false);
  EXPECT_FALSE(table->contains(0x7f0000010000));
  EXPECT_TRUE(table->contains(0x7f0000011000));
}

TEST(KnownPages, TheGuestForgetsWhatItGivesBackAndNoMore) {
  auto table = std::make_unique<KnownPages>();
  KnownPagesWriter(table.get()).set(0x7f003ff00000, 0x7f0040100000, true);  // over the end of a GiB
  table->forget(0x7f003ffff010, 0x7f0040002fff);
  EXPECT_TRUE(table->contains(0x7f003fffe000));
  for (const uint64_t gone : {0x7f003ffff000, 0x7f0040000000, 0x7f0040001000})
    EXPECT_FALSE(table->contains(gone)) << std::hex << gone;
  EXPECT_TRUE(table->contains(0x7f0040002000)) << "the last page was given back in part";
  table->forget(0x100000, 0x200000);
  table->forget(~uint64_t{0} - 0x5000, ~uint64_t{0});
  EXPECT_TRUE(table->contains(0x7f0040003000));
}

}  // namespace
}  // namespace oomcast::ring
