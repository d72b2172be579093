// Equal numbers of several recordings are made distinct, except those of a file on disk, which stays one file.
#include "model/trace/stream_numbers.h"

#include <gtest/gtest.h>

namespace oomcast::trace {
namespace {

Event event(EventKind kind, uint32_t pid, uint64_t address = 0, uint64_t bytes = 0) {
  Event out;
  out.kind = kind;
  out.pid = out.tid = pid;
  out.address = address;
  out.bytes = bytes;
  return out;
}

TEST(StreamNumbers, TheFirstStreamKeepsItsProcessesAndLaterOnesShowTheirs) {
  StackNumbers stacks;
  StreamNumbers first(0, stacks), third(2, stacks);
  Event one = event(EventKind::kFork, 70, 71), other = one;
  ASSERT_TRUE(first.apply(one));
  ASSERT_TRUE(third.apply(other));
  EXPECT_EQ(one.pid, 70u);
  EXPECT_EQ(one.address, 71u);
  EXPECT_EQ(other.pid, 20'000'070u);
  EXPECT_EQ(other.tid, 20'000'070u);
  EXPECT_EQ(other.address, 20'000'071u);
}

TEST(StreamNumbers, NoParentStaysNone) {
  StackNumbers stacks;
  StreamNumbers second(1, stacks);
  Event root = event(EventKind::kProcessStart, 70, 0), child = event(EventKind::kProcessStart, 71, 70);
  ASSERT_TRUE(second.apply(root));
  ASSERT_TRUE(second.apply(child));
  EXPECT_EQ(root.address, 0u);
  EXPECT_EQ(child.address, 10'000'070u);
}

TEST(StreamNumbers, AProcessIdThatNoLinuxGivesCouldBeAnotherStreams) {
  StackNumbers stacks;
  StreamNumbers first(0, stacks);
  Event pid = event(EventKind::kClock, 10'000'070), child = event(EventKind::kFork, 70, 10'000'071);
  EXPECT_FALSE(first.apply(pid));
  EXPECT_FALSE(first.apply(child));
  Event address = event(EventKind::kTouch, 70, uint64_t{1} << 46);
  EXPECT_TRUE(first.apply(address));
}

TEST(StreamNumbers, StacksAreNumberedAsTheyAreMet) {
  StackNumbers stacks;
  StreamNumbers first(0, stacks), second(1, stacks);
  const auto numbered = [](StreamNumbers& stream, uint32_t id) {
    Event touch = event(EventKind::kTouch, 70);
    touch.stack_id = id;
    EXPECT_TRUE(stream.apply(touch));
    return touch.stack_id;
  };
  EXPECT_EQ(numbered(first, 9), 1u);
  EXPECT_EQ(numbered(second, 9), 2u);
  EXPECT_EQ(numbered(first, 9), 1u);
  EXPECT_EQ(numbered(second, 0), 0u);
  ASSERT_EQ(stacks.origins().size(), 2u);
  EXPECT_EQ(stacks.origins()[1].stream, 1u);
  EXPECT_EQ(stacks.origins()[1].id, 9u);
}

TEST(StreamNumbers, FilesOnDiskAreSharedAndFilesInMemoryAreNot) {
  StackNumbers stacks;
  StreamNumbers first(0, stacks), second(1, stacks), third(2, stacks);
  constexpr uint64_t kDisk = 5, kMemory = 6;
  const auto read = [](StreamNumbers& stream, uint64_t file) {
    Event one = event(EventKind::kFileRead, 70, file, 4096);
    EXPECT_TRUE(stream.apply(one));
    return one.address;
  };
  for (StreamNumbers* stream : {&first, &second, &third}) {
    Event in_memory = event(EventKind::kFileInMemory, 70, kMemory);
    ASSERT_TRUE(stream->apply(in_memory));
    EXPECT_EQ(in_memory.address, read(*stream, kMemory));
    Event mapped = event(EventKind::kMapFile, 70, 0x1000, kMemory);
    ASSERT_TRUE(stream->apply(mapped));
    EXPECT_EQ(mapped.bytes, in_memory.address);
    EXPECT_EQ(read(*stream, kDisk), kDisk);
  }
  EXPECT_EQ(read(first, kMemory), kMemory);
  EXPECT_NE(read(first, kMemory), read(second, kMemory));
  EXPECT_NE(read(second, kMemory), read(third, kMemory));
}

TEST(StreamNumbers, MountsAreTheStreamsOwn) {
  StackNumbers stacks;
  StreamNumbers first(0, stacks), second(1, stacks);
  const auto number = [](StreamNumbers& stream, EventKind kind, uint64_t mount) {
    Event one = event(kind, 70, 6);
    one.argument = mount;
    EXPECT_TRUE(stream.apply(one));
    return one.argument;
  };
  EXPECT_EQ(number(first, EventKind::kMount, 1), 1u);
  EXPECT_NE(number(second, EventKind::kMount, 1), 1u);
  EXPECT_EQ(number(second, EventKind::kMount, 1), number(second, EventKind::kFileInMemory, 1));
  EXPECT_EQ(number(second, EventKind::kFileInMemory, 0), 0u) << "on none";
}

}  // namespace
}  // namespace oomcast::trace
