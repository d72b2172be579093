// The kernel drops the pages of a deleted file once nobody holds it. The files here are the test's own.
#include "preload/record/capture/deleted_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/record/kernel/unique_fd.h"
#include "preload/ring/file_notes.h"
#include "tests/preload/record/rooms_fixture.h"

namespace oomcast::record {
namespace {

class DeletedFilesTest : public RoomsTest {
 protected:
  // The process is the test itself: /proc says what it has open.
  DeletedFilesTest() : fake(add_polled(static_cast<uint32_t>(::getpid()))) {
    char name[] = "/var/tmp/oomcast-deleted.XXXXXX";
    file = UniqueFd(::mkostemp(name, O_CLOEXEC));
    path = name;
    struct stat status {};
    EXPECT_EQ(::fstat(file.get(), &status), 0);
    inode = status.st_ino;
    id = ring::file_id(status.st_dev, inode);
    EXPECT_EQ(::ftruncate(file.get(), kPage), 0);
  }
  ~DeletedFilesTest() override { ::unlink(path.c_str()); }

  void take_note(bool open = false) {
    trace::Event note;
    note.kind = EventKind::kFileTruncate;
    note.flags = ring::kLastNameGone;
    note.address = id;
    note.bytes = open ? 1 : 0;
    note.argument = inode;
    rooms.deleted.take_note(fake.process, note);
  }
  void unlink_and_note() {
    ASSERT_EQ(::unlink(path.c_str()), 0);
    take_note();
  }
  void wait_for_the_next_check() {
    clocks.now += 200'000'000;
    rooms.deleted.settle_if_due(clocks.now);
  }
  std::vector<uint64_t> dropped() {
    std::vector<uint64_t> files;
    for (const trace::Event& event : events(EventKind::kFileTruncate)) files.push_back(event.address);
    return files;
  }

  FakeProcess fake;
  std::string path;
  UniqueFd file;
  uint64_t inode = 0, id = 0;
};

TEST_F(DeletedFilesTest, TheFileIsDroppedWhenNobodyHoldsIt) {
  rooms.deleted.note_use(id);
  file.reset();
  unlink_and_note();
  EXPECT_THAT(dropped(), ElementsAre(id));
  EXPECT_EQ(events(EventKind::kFileTruncate)[0].argument, 0u) << "the whole file";
}

TEST_F(DeletedFilesTest, AnOpenFileIsKeptUntilItIsClosed) {
  rooms.deleted.note_use(id);
  unlink_and_note();
  wait_for_the_next_check();
  EXPECT_THAT(dropped(), IsEmpty());
  file.reset();
  wait_for_the_next_check();
  EXPECT_THAT(dropped(), ElementsAre(id));
}

TEST_F(DeletedFilesTest, AMappedFileIsKeptUntilItIsUnmapped) {
  rooms.deleted.note_use(id);
  void* const mapped = ::mmap(nullptr, kPage, PROT_READ, MAP_SHARED, file.get(), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  file.reset();
  unlink_and_note();
  EXPECT_THAT(dropped(), IsEmpty());
  ::munmap(mapped, kPage);
  wait_for_the_next_check();
  EXPECT_THAT(dropped(), ElementsAre(id));
}

TEST_F(DeletedFilesTest, AFileThatTheProgramHasNotUsedIsNotReported) {
  file.reset();
  unlink_and_note();
  EXPECT_THAT(dropped(), IsEmpty());
}

TEST_F(DeletedFilesTest, AFileOpenedWithoutANameIsReportedWhenItIsClosed) {
  ASSERT_EQ(::unlink(path.c_str()), 0);
  take_note(true);
  rooms.deleted.note_use(id);
  wait_for_the_next_check();
  EXPECT_THAT(dropped(), IsEmpty());
  file.reset();
  wait_for_the_next_check();
  EXPECT_THAT(dropped(), ElementsAre(id));
}

TEST_F(DeletedFilesTest, ItsEndIsReportedBeforeANewFileWithItsNumberIsUsed) {
  rooms.deleted.note_use(id);
  unlink_and_note();
  file.reset();
  rooms.deleted.before_first_use(fake.process, id + 1);
  EXPECT_THAT(dropped(), IsEmpty());
  rooms.deleted.before_first_use(fake.process, id);
  EXPECT_THAT(dropped(), ElementsAre(id));
  wait_for_the_next_check();
  EXPECT_THAT(dropped(), SizeIs(1)) << "the new file has a name";
}

TEST_F(DeletedFilesTest, AFileInMemoryIsLeftToSharedMemory) {
  const UniqueFd memory(::memfd_create("of-the-test", MFD_CLOEXEC));
  struct stat status {};
  ASSERT_EQ(::fstat(memory.get(), &status), 0);
  rooms.shared_memory.report_new_file(fake.process, status.st_dev, status.st_ino, "/memfd:of-the-test (deleted)");
  id = ring::file_id(status.st_dev, status.st_ino);
  rooms.deleted.note_use(id);
  take_note(true);
  wait_for_the_next_check();
  EXPECT_TRUE(rooms.shared_memory.holds(id));
  EXPECT_THAT(dropped(), IsEmpty());
}

}  // namespace
}  // namespace oomcast::record
