// Memory that processes share is a file to the sink: its pages are one set, and it ends with its last user. The files
// here are memfds of the test itself.
#include "preload/record/capture/shared_memory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "model/trace/mount_path.h"
#include "preload/record/kernel/unique_fd.h"
#include "preload/ring/file_notes.h"
#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

class SharedMemoryTest : public RoomsTest {
 protected:
  // The first process is the test itself: /proc says what it has open.
  SharedMemoryTest() : fake(add_polled(static_cast<uint32_t>(::getpid()))), other(add_polled(UINT32_MAX - 1)) {
    file = UniqueFd(::memfd_create("of-the-test", MFD_CLOEXEC));
    struct stat status {};
    ::fstat(file.get(), &status);
    device = status.st_dev;
    inode = status.st_ino;
    id = ring::file_id(device, inode);
  }

  /// The fake kernel and the recorder know that the process maps pages [first, last) of the file at the page `at`.
  void map_file(FakeProcess& by, uint64_t at, uint64_t first, uint64_t last) {
    Vma vma;
    vma.start = at_page(at);
    vma.end = at_page(at + last - first);
    vma.file_offset = first * kPage;
    vma.device = device;
    vma.inode = inode;
    vma.readable = vma.writable = vma.shared = true;
    vma.name = "/memfd:of-the-test (deleted)";
    by.memory.map(vma);
    learn(by, vma);
  }
  void touch_file(FakeProcess& by, uint64_t page, uint64_t pages) {
    by.memory.touch(at_page(page), pages, {.kind = FakePageKind::kFile, .mapped_once = false});
  }

  FakeProcess fake, other;
  UniqueFd file;
  uint64_t device = 0, inode = 0, id = 0;
};

TEST_F(SharedMemoryTest, TheFileIsReportedOnceAndBeforeItsFirstMapping) {
  map_file(fake, 0, 0, 8);
  map_file(other, 0, 0, 8);
  std::vector<EventKind> kinds;
  for (const trace::Event& event : sink.events) kinds.push_back(event.kind);
  EXPECT_THAT(kinds, ElementsAre(EventKind::kFileInMemory, EventKind::kMap, EventKind::kMapFile, EventKind::kMap,
                                 EventKind::kMapFile));
  EXPECT_EQ(sink.events[0].address, id);
  EXPECT_TRUE(sink.events[0].flags & trace::kNameless) << "a memfd ends with its last user";
}

TEST_F(SharedMemoryTest, EachProcessReportsThePagesThatItMaps) {
  map_file(fake, 0, 0, 8);
  touch_file(fake, 2, 3);
  rooms.shared_memory.scan(fake.process);
  rooms.shared_memory.scan(fake.process);
  EXPECT_THAT(written(fake.process), ElementsAre(2, 3, 4));
  EXPECT_EQ(fake.process.resident.shared_known_pages, 3u);
}

TEST_F(SharedMemoryTest, APageThatLeavesThePageTableStaysTheFiles) {
  map_file(fake, 0, 0, 8);
  touch_file(fake, 0, 8);
  rooms.shared_memory.scan(fake.process);
  fake.memory.drop(at_page(2), 2);
  rooms.shared_memory.scan(fake.process);
  EXPECT_THAT(ranges(EventKind::kAdviseDontneed), ElementsAre(Pair(at_page(2), at_page(4))));
  EXPECT_THAT(events(EventKind::kFileTruncate), IsEmpty());
  EXPECT_EQ(fake.process.resident.shared_known_pages, 6u);
}

TEST_F(SharedMemoryTest, NothingIsGivenBackBehindWhereTheScanEnded) {
  map_file(fake, 0, 0, 8);
  touch_file(fake, 0, 8);
  rooms.shared_memory.scan(fake.process);
  fake.memory.answers_to = at_page(4);
  rooms.shared_memory.scan(fake.process);
  EXPECT_THAT(ranges(EventKind::kAdviseDontneed), IsEmpty());
}

TEST_F(SharedMemoryTest, TheFileEndsWithItsLastMappingAndDescriptor) {
  map_file(fake, 0, 0, 8);
  rooms.mappings.unmap(fake.process, at_page(0), at_page(8));
  EXPECT_THAT(events(EventKind::kFileTruncate), IsEmpty()) << "it is open still";
  file.reset();
  rooms.shared_memory.settle_all(fake.process, nullptr);
  ASSERT_THAT(events(EventKind::kFileTruncate), SizeIs(1));
  EXPECT_EQ(events(EventKind::kFileTruncate)[0].address, id);
  EXPECT_FALSE(rooms.shared_memory.holds(id));
}

TEST_F(SharedMemoryTest, AFileThatAnotherProcessMapsLivesOn) {
  map_file(fake, 0, 0, 8);
  map_file(other, 0, 0, 8);
  file.reset();
  rooms.mappings.unmap(fake.process, at_page(0), at_page(8));
  EXPECT_TRUE(rooms.shared_memory.holds(id));
  rooms.mappings.unmap(other.process, at_page(0), at_page(8));
  EXPECT_FALSE(rooms.shared_memory.holds(id));
}

TEST_F(SharedMemoryTest, AProcessThatLeavesUsesNothingAnyMore) {
  map_file(fake, 0, 0, 8);
  rooms.shared_memory.settle_after_end(fake.process);
  EXPECT_FALSE(rooms.shared_memory.holds(id));
}

TEST_F(SharedMemoryTest, AFileWithANameLivesOnWithoutUsers) {
  const std::string path = "/dev/shm/oomcast-shared-memory-test-" + std::to_string(::getpid());
  const UniqueFd named(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_TRUE(named) << "no /dev/shm here";
  rooms.shared_memory.learn_descriptor(fake.process, named.get());
  struct stat status {};
  ::fstat(named.get(), &status);
  const uint64_t named_id = ring::file_id(status.st_dev, status.st_ino);
  ASSERT_TRUE(rooms.shared_memory.holds(named_id));
  EXPECT_FALSE(events(EventKind::kFileInMemory)[0].flags & trace::kNameless);
  sink.events.clear();
  ::unlink(path.c_str());
  rooms.shared_memory.settle_all(fake.process, nullptr);
  ASSERT_THAT(events(EventKind::kFileInMemory), SizeIs(1)) << "open, and without a name from now on";
  EXPECT_TRUE(events(EventKind::kFileInMemory)[0].flags & trace::kNameless);
  EXPECT_NE(events(EventKind::kFileInMemory)[0].argument, 0u) << "it takes its room on the mount still";
}

TEST_F(SharedMemoryTest, AFileOfATmpfsNamesItsMountAndAMemfdHasNone) {
  for (const char* name : {"/dev/shm/oomcast-mount-test-a-", "/dev/shm/oomcast-mount-test-b-"}) {
    const std::string path = name + std::to_string(::getpid());
    const UniqueFd named(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_TRUE(named) << "no /dev/shm here";
    ::unlink(path.c_str());  // as shm_open() and shm_unlink() are used
    rooms.shared_memory.learn_descriptor(fake.process, named.get());
  }
  rooms.shared_memory.learn_descriptor(fake.process, file.get());
  std::string mount;
  for (const trace::Event& piece : events(EventKind::kMount)) trace::add_mount_piece(piece, mount);
  EXPECT_EQ(mount, "/dev/shm") << "once for both files";
  EXPECT_EQ(sink.events[0].kind, EventKind::kMount) << "before the first of them";
  const auto files = events(EventKind::kFileInMemory);
  ASSERT_THAT(files, SizeIs(3));
  EXPECT_EQ(files[0].argument, sink.events[0].argument);
  EXPECT_EQ(files[1].argument, files[0].argument);
  EXPECT_EQ(files[2].argument, 0u);
}

TEST_F(SharedMemoryTest, PagesThatWereCutOffAreForgottenWhereverTheyAreMapped) {
  map_file(fake, 0, 0, 16);
  map_file(other, 100, 8, 16);
  touch_file(fake, 0, 16);
  touch_file(other, 100, 8);
  rooms.shared_memory.scan(fake.process);
  rooms.shared_memory.scan(other.process);
  trace::Event note;
  note.kind = EventKind::kFileTruncate;
  note.address = id;
  note.argument = 12 * kPage - 100;  // the page in which the file ends now stays
  rooms.shared_memory.forget_cut(note);
  EXPECT_EQ(fake.process.pages.count(PageBit::kTouched), 12u);
  EXPECT_EQ(other.process.pages.count(PageBit::kTouched), 4u);
}

TEST_F(SharedMemoryTest, APunchedHoleTakesWholePagesOnly) {
  map_file(fake, 0, 0, 16);
  touch_file(fake, 0, 16);
  rooms.shared_memory.scan(fake.process);
  trace::Event note;
  note.kind = EventKind::kFilePunch;
  note.address = id;
  note.argument = 2 * kPage + 1;
  note.bytes = 4 * kPage;
  rooms.shared_memory.forget_cut(note);
  EXPECT_FALSE(fake.process.pages.test(PageBit::kTouched, at_page(3)));
  EXPECT_TRUE(fake.process.pages.test(PageBit::kTouched, at_page(2)));
  EXPECT_TRUE(fake.process.pages.test(PageBit::kTouched, at_page(6)));
  EXPECT_EQ(fake.process.pages.count(PageBit::kTouched), 13u);
}

TEST_F(SharedMemoryTest, WhatANoteSaysOfADescriptorIsChecked) {
  trace::Event note;
  note.kind = EventKind::kFileInMemory;
  note.bytes = static_cast<uint64_t>(file.get());
  note.address = id + 1;  // not the file that is open there
  rooms.shared_memory.take_note(fake.process, note);
  EXPECT_TRUE(rooms.shared_memory.empty());
  note.address = id;
  rooms.shared_memory.take_note(fake.process, note);
  EXPECT_TRUE(rooms.shared_memory.holds(id));
}

TEST_F(SharedMemoryTest, OurOwnRingAndFilesOfADiskAreNone) {
  Vma ring_area;
  ring_area.shared = true;
  ring_area.device = device;
  ring_area.inode = inode;
  ring_area.name = "/memfd:oomcast-ring (deleted)";
  EXPECT_FALSE(rooms.shared_memory.is_shared_memory(ring_area));
  Vma disk = ring_area;
  disk.device = 0xffff;
  disk.name = "/proc/version";  // any file system that is no memory
  EXPECT_FALSE(rooms.shared_memory.is_shared_memory(disk));
}

TEST_F(SharedMemoryTest, FilesAreCheckedAtMostTenTimesASecond) {
  map_file(fake, 0, 0, 8);
  rooms.mappings.unmap(fake.process, at_page(0), at_page(8));
  rooms.shared_memory.settle_if_due(fake.process, clocks.now);
  file.reset();
  rooms.shared_memory.settle_if_due(fake.process, clocks.now + 99'999'999);
  EXPECT_TRUE(rooms.shared_memory.holds(id));
  rooms.shared_memory.settle_if_due(fake.process, clocks.now + 100'000'000);
  EXPECT_FALSE(rooms.shared_memory.holds(id));
}

}  // namespace
}  // namespace oomcast::record
