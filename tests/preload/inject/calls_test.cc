// A hooked call answers as the plain call does: same result, same errno, whatever it is given. And it reports what it
// should, or counts what it had to drop.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

#include "tests/preload/inject/fake_recorder.h"

namespace oomcast::inject {
namespace {

using trace::EventKind;

constexpr size_t kPage = 4096;
constexpr int kStands = 4242;  // no call sets this errno

/// What a call gives back.
struct Outcome {
  long result;
  int error;
  bool operator==(const Outcome&) const = default;
};
void PrintTo(const Outcome& outcome, std::ostream* out) { *out << outcome.result << " with errno " << outcome.error; }

template <class Call>
Outcome outcome_of(Call call) {
  errno = kStands;
  const long result = static_cast<long>(call());
  return {result, errno};
}

class Calls : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(recorder.said_hello()) << "the library has said no hello";
    recorder.take_notes();
  }
  void TearDown() override {
    recorder.answer_with(ring::ReplyStatus::kTracked);
    recorder.shared().ask_before_use.store(0);
    recorder.shared().ask_before_free_bytes.store(UINT64_MAX);
    ::close(file);
  }
  /// Calls the hook and the C library's own function with the same arguments.
  template <class Function, class... Arguments>
  void expect_same(const char* name, Function* plain, Arguments... arguments) {
    auto* const hook = recorder.hook<Function>(name);
    ASSERT_NE(hook, nullptr);
    ASSERT_NE(reinterpret_cast<void*>(hook), reinterpret_cast<void*>(plain)) << name;
    const Outcome expected = outcome_of([&] { return plain(arguments...); });
    EXPECT_EQ(outcome_of([&] { return hook(arguments...); }), expected) << name;
  }
  std::vector<trace::Event> notes_of(EventKind kind) {
    std::vector<trace::Event> found;
    for (const trace::Event& note : recorder.take_notes())
      if (note.kind == kind) found.push_back(note);
    return found;
  }
  static void* fresh(size_t bytes) {
    return ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  }

  FakeRecorder& recorder = FakeRecorder::instance();
  void* const bad = reinterpret_cast<void*>(0x10);
  const int file = ::open("/var/tmp", O_TMPFILE | O_RDWR, 0600);
};

TEST_F(Calls, FailAsTheKernelSays) {
  char buffer[16];
  iovec piece{buffer, sizeof buffer};
  // Descriptors and pointers that are no good.
  expect_same("read", &::read, -1, static_cast<void*>(buffer), sizeof buffer);
  expect_same("read", &::read, file, bad, sizeof buffer);
  expect_same("write", &::write, file, static_cast<const void*>(bad), sizeof buffer);
  expect_same("pread", &::pread, file, bad, sizeof buffer, off_t{0});
  expect_same("pread", &::pread, file, static_cast<void*>(buffer), sizeof buffer, off_t{-1});
  expect_same("pwrite", &::pwrite, file, static_cast<const void*>(bad), sizeof buffer, off_t{0});
  expect_same("readv", &::readv, file, static_cast<const iovec*>(bad), 1);
  expect_same("writev", &::writev, file, static_cast<const iovec*>(bad), 1);
  expect_same("writev", &::writev, file, static_cast<const iovec*>(&piece), -1);
  expect_same("preadv", &::preadv, file, static_cast<const iovec*>(bad), 1, off_t{0});
  expect_same("copy_file_range", &::copy_file_range, file, static_cast<off_t*>(bad), file, static_cast<off_t*>(nullptr),
              size_t{10}, 0u);
  expect_same("splice", &::splice, file, static_cast<off_t*>(bad), -1, static_cast<off_t*>(nullptr), size_t{10}, 0u);
  expect_same("ftruncate", &::ftruncate, -1, off_t{0});
  expect_same("ftruncate", &::ftruncate, file, off_t{-1});
  expect_same("fallocate", &::fallocate, file, 0, off_t{0}, off_t{0});
  expect_same("posix_fallocate", &::posix_fallocate, -1, off_t{0}, off_t{10});
  expect_same("fsync", &::fsync, -1);
  expect_same("close", &::close, -1);
  expect_same("dup", &::dup, -1);
  expect_same("dup2", &::dup2, -1, 100);
  expect_same("dup3", &::dup3, file, file, 0);
  expect_same("unlink", &::unlink, static_cast<const char*>(bad));
  expect_same("unlinkat", &::unlinkat, AT_FDCWD, static_cast<const char*>(bad), 0);
  expect_same("rename", &::rename, static_cast<const char*>(bad), "/nowhere");
  expect_same("remove", &::remove, "/nowhere/at/all");
  expect_same("shm_unlink", &::shm_unlink, "/oomcast-there-is-none");
  expect_same("close_range", &::close_range, 10u, 5u, 0);
}

TEST_F(Calls, OnMemoryFailAsTheKernelSays) {
  void* const memory = fresh(kPage);
  void* const crooked = static_cast<char*>(memory) + 1;
  expect_same("munmap", &::munmap, crooked, kPage);
  expect_same("munmap", &::munmap, memory, size_t{0});
  expect_same("munmap", &::munmap, memory, SIZE_MAX);
  expect_same("madvise", &::madvise, crooked, kPage, MADV_DONTNEED);
  expect_same("madvise", &::madvise, memory, kPage, 12345);
  expect_same("madvise", &::madvise, memory, SIZE_MAX, MADV_FREE);
  expect_same("mprotect", &::mprotect, crooked, kPage, PROT_READ);
  expect_same("mlock", &::mlock, static_cast<const void*>(bad), SIZE_MAX);
  expect_same("shmdt", &::shmdt, static_cast<const void*>(crooked));
  expect_same("sysinfo", &::sysinfo, static_cast<struct sysinfo*>(bad));
  expect_same("sched_setaffinity", &::sched_setaffinity, 0, sizeof(cpu_set_t), static_cast<const cpu_set_t*>(bad));
  expect_same("pipe2", static_cast<int (*)(int*, int)>(&::pipe2), static_cast<int*>(bad), 0);
  auto* const map = recorder.hook<void*(void*, size_t, int, int, int, off_t)>("mmap");
  for (const size_t bytes : {size_t{0}, SIZE_MAX}) {
    const Outcome expected = outcome_of(
        [&] { return reinterpret_cast<long>(::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)); });
    EXPECT_EQ(outcome_of([&] {
                return reinterpret_cast<long>(map(nullptr, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
              }),
              expected);
  }
  auto* const limit = recorder.hook<int(int, const rlimit*)>("setrlimit");
  EXPECT_EQ(outcome_of([&] { return limit(RLIMIT_AS, static_cast<const rlimit*>(bad)); }), (Outcome{-1, EFAULT}));
  ::munmap(memory, kPage);
}

TEST_F(Calls, ThatSucceedLeaveErrnoAlone) {
  char buffer[64] = "twelve bytes";
  iovec piece{buffer, 12};
  const auto ok = [&](const char* name, auto call) { EXPECT_EQ(outcome_of(call).error, kStands) << name; };
  const auto hook = [&]<class F>(const char* name, F*) { return recorder.hook<F>(name); };
  ok("write", [&] { return hook("write", &::write)(file, buffer, 12); });
  ok("pwrite", [&] { return hook("pwrite", &::pwrite)(file, buffer, 12, 100); });
  ok("writev", [&] { return hook("writev", &::writev)(file, &piece, 1); });
  ok("pread", [&] { return hook("pread", &::pread)(file, buffer, 12, 0); });
  ok("read", [&] { return hook("read", &::read)(file, buffer, 12); });
  ok("ftruncate", [&] { return hook("ftruncate", &::ftruncate)(file, 50); });
  ok("fsync", [&] { return hook("fsync", &::fsync)(file); });
  ok("dup and close", [&] { return hook("close", &::close)(hook("dup", &::dup)(file)); });
  ok("sysconf", [&] { return hook("sysconf", &::sysconf)(_SC_PHYS_PAGES); });
  struct sysinfo info;
  ok("sysinfo", [&] { return hook("sysinfo", &::sysinfo)(&info); });
  auto* const map = recorder.hook<void*(void*, size_t, int, int, int, off_t)>("mmap");
  for (const bool asks : {false, true}) {
    recorder.shared().ask_before_use.store(asks ? 1 : 0);
    recorder.shared().ask_before_free_bytes.store(asks ? 0 : UINT64_MAX);
    void* memory = nullptr;
    ok("mmap", [&] {
      memory = map(nullptr, 16 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      return 0;
    });
    ok("mprotect", [&] { return hook("mprotect", &::mprotect)(memory, kPage, PROT_READ); });
    ok("MADV_FREE", [&] { return hook("madvise", &::madvise)(static_cast<char*>(memory) + kPage, kPage, MADV_FREE); });
    ok("MADV_DONTNEED", [&] { return hook("madvise", &::madvise)(memory, kPage, MADV_DONTNEED); });
    ok("munmap", [&] { return hook("munmap", &::munmap)(memory, 16 * kPage); });
    for (const size_t bytes : {size_t{1}, size_t{5000}, size_t{300'000}, size_t{8} << 20}) {
      void* block = nullptr;
      ok("malloc", [&] { return (block = hook("malloc", &::malloc)(bytes)) != nullptr; });
      ok("realloc", [&] { return (block = hook("realloc", &::realloc)(block, 2 * bytes)) != nullptr; });
      ok("free", [&] {
        recorder.hook<void(void*)>("free")(block);
        return 0;
      });
    }
  }
}

TEST_F(Calls, OfFilesAreNotedWithWhatTheyMoved) {
  char buffer[100] = {};
  auto* const write_at = recorder.hook<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  ASSERT_EQ(write_at(file, buffer, 100, 0), 100);
  ASSERT_EQ(write_at(file, buffer, 100, 8192), 100);
  const std::vector<trace::Event> notes = notes_of(EventKind::kFileWrite);
  ASSERT_GE(notes.size(), 2u);
  EXPECT_EQ(notes.back().argument, 8192u);
  EXPECT_EQ(notes.back().bytes, 100u);
  EXPECT_GT(notes.back().address, 1u);
  ASSERT_EQ(recorder.hook<int(int)>("fsync")(file), 0);
  const std::vector<trace::Event> synced = notes_of(EventKind::kFileSync);
  ASSERT_EQ(synced.size(), 1u);
  EXPECT_EQ(synced[0].address, notes.back().address) << "the same file";
}

/// A file of 16 pages under a fresh name.
class NamedFile {
 public:
  NamedFile() {
    char name[] = "/var/tmp/oomcast-calls.XXXXXX";
    ::close(::mkstemp(name));
    path_ = name;
  }
  ~NamedFile() { ::unlink(path()); }
  const char* path() const { return path_.c_str(); }
  uint64_t id() const {
    struct stat status {};
    EXPECT_EQ(::lstat(path(), &status), 0);
    return ring::file_id(status.st_dev, status.st_ino);
  }

 private:
  std::string path_;
};

TEST_F(Calls, ThatTakeTheLastNameOfAFileAreNoted) {
  auto* const unlink_at = recorder.hook<int(int, const char*, int)>("unlinkat");
  const NamedFile named;
  const uint64_t id = named.id();
  const std::string second = std::string(named.path()) + ".second";
  ASSERT_EQ(::link(named.path(), second.c_str()), 0);
  recorder.take_notes();
  ASSERT_EQ(unlink_at(AT_FDCWD, second.c_str(), 0), 0);
  EXPECT_EQ(unlink_at(AT_FDCWD, second.c_str(), 0), -1);
  EXPECT_EQ(notes_of(EventKind::kFileTruncate).size(), 0u) << "it has another name, and then there was none";
  ASSERT_EQ(unlink_at(AT_FDCWD, named.path(), 0), 0);
  const std::vector<trace::Event> notes = notes_of(EventKind::kFileTruncate);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_TRUE(ring::is_last_name_gone(notes[0]));
  EXPECT_EQ(notes[0].address, id);
}

TEST_F(Calls, ThatRenameOneFileOverAnotherNoteTheOther) {
  auto* const rename_at = recorder.hook<int(int, const char*, int, const char*)>("renameat");
  auto* const rename_how = recorder.hook<int(int, const char*, int, const char*, unsigned)>("renameat2");
  const NamedFile a, b;
  const uint64_t id = b.id();
  recorder.take_notes();
  ASSERT_EQ(rename_at(AT_FDCWD, b.path(), AT_FDCWD, b.path()), 0);
  ASSERT_EQ(rename_how(AT_FDCWD, a.path(), AT_FDCWD, b.path(), RENAME_EXCHANGE), 0);
  EXPECT_EQ(notes_of(EventKind::kFileTruncate).size(), 0u);
  ASSERT_EQ(rename_how(AT_FDCWD, b.path(), AT_FDCWD, a.path(), 0), 0);
  const std::vector<trace::Event> notes = notes_of(EventKind::kFileTruncate);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].address, id);
}

TEST_F(Calls, ThatReopenAStreamAreOfTheNewFileFromThenOn) {
  const NamedFile first, second;
  char buffer[100] = {};
  auto* const write_to = recorder.hook<ssize_t(int, const void*, size_t)>("write");
  FILE* stream = recorder.hook<FILE*(const char*, const char*)>("fopen")(first.path(), "w");
  ASSERT_NE(stream, nullptr);
  ASSERT_EQ(write_to(fileno(stream), buffer, sizeof buffer), 100);
  stream = recorder.hook<FILE*(const char*, const char*, FILE*)>("freopen")(second.path(), "w", stream);
  ASSERT_NE(stream, nullptr);
  recorder.take_notes();
  ASSERT_EQ(write_to(fileno(stream), buffer, sizeof buffer), 100);
  const std::vector<trace::Event> notes = notes_of(EventKind::kFileWrite);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].address, second.id());
  recorder.hook<int(FILE*)>("fclose")(stream);
}

TEST_F(Calls, ThatFailAreNotNoted) {
  char buffer[10] = {};
  ASSERT_EQ(recorder.hook<ssize_t(int, const void*, size_t, off_t)>("pwrite")(file, buffer, 10, 0), 10);
  recorder.take_notes();
  EXPECT_EQ(recorder.hook<ssize_t(int, const void*, size_t, off_t)>("pwrite")(file, bad, 10, 8192), -1);
  EXPECT_EQ(recorder.hook<int(int, off_t)>("ftruncate")(file, -1), -1);
  for (const trace::Event& note : recorder.take_notes()) EXPECT_NE(note.bytes, 10u) << static_cast<int>(note.kind);
}

TEST_F(Calls, DropNotesOnceTheRingIsFullCountThemAndRingTheBell) {
  char buffer[10] = {};
  auto* const write_at = recorder.hook<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  const uint64_t dropped_before = recorder.shared().ring.dropped.load();
  recorder.shared().ring_fills.store(0);
  for (uint64_t i = 0; i < ring::kSlots * 2 && recorder.shared().ring.dropped.load() == dropped_before; ++i)
    ASSERT_EQ(write_at(file, buffer, 10, static_cast<off_t>((i % 2 == 0 ? i : i + 100'000) * 8192)), 10);
  EXPECT_GT(recorder.shared().ring.dropped.load(), dropped_before);
  EXPECT_NE(recorder.shared().ring_fills.load(), 0u) << "the recorder is asked to read";
  recorder.take_notes();
  recorder.shared().ring_fills.store(0);
  recorder.take_notes();
}

TEST_F(Calls, AskBeforeTheyFreeAsMuchAsTheRecorderWantsToKnow) {
  recorder.shared().ask_before_free_bytes.store(64 * kPage);
  auto* const unmap = recorder.hook<int(void*, size_t)>("munmap");
  auto* const memory = static_cast<char*>(fresh(200 * kPage));
  const size_t before = recorder.count(ring::RequestKind::kFreeing);
  ASSERT_EQ(unmap(memory, 63 * kPage), 0);
  EXPECT_EQ(recorder.count(ring::RequestKind::kFreeing), before);
  ASSERT_EQ(unmap(memory + 100 * kPage, 64 * kPage), 0);
  ASSERT_EQ(recorder.count(ring::RequestKind::kFreeing), before + 1);
  EXPECT_EQ(recorder.questions().back().address, reinterpret_cast<uint64_t>(memory + 100 * kPage));
  const std::vector<trace::Event> done = notes_of(EventKind::kUnmap);
  ASSERT_EQ(done.size(), 1u) << "the free itself is noted, too";
  EXPECT_EQ(done[0].bytes, 64 * kPage);
  ::munmap(memory, 200 * kPage);
}

TEST_F(Calls, ThatWereAskedForAndFailedAreTakenBack) {
  recorder.shared().ask_before_free_bytes.store(kPage);
  auto* const memory = static_cast<char*>(fresh(kPage));
  ASSERT_EQ(recorder.hook<int(void*, size_t)>("munmap")(memory + 1, kPage), -1);
  EXPECT_EQ(notes_of(EventKind::kUnmap).size(), 0u);
  ::munmap(memory, kPage);
}

TEST_F(Calls, MemoryThatTheTargetRefusesIsGivenBackAndFails) {
  recorder.shared().ask_before_use.store(1);
  recorder.answer_with(ring::ReplyStatus::kRefused);
  auto* const map = recorder.hook<void*(void*, size_t, int, int, int, off_t)>("mmap");
  EXPECT_EQ(outcome_of([&] {
              return reinterpret_cast<long>(map(nullptr, 16 * kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
            }),
            (Outcome{-1, ENOMEM}));
  const ring::Request asked = recorder.questions().back();
  EXPECT_EQ(asked.kind, ring::RequestKind::kMapped);
  unsigned char there;
  EXPECT_EQ(::mincore(reinterpret_cast<void*>(asked.address), kPage, &there), -1)
      << "the refused mapping is still there";
  auto* const allocate = recorder.hook<void*(size_t)>("malloc");
  EXPECT_EQ(outcome_of([&] { return reinterpret_cast<long>(allocate(64 << 20)); }), (Outcome{0, ENOMEM}));
}

TEST_F(Calls, AnAdviceToFreeNothingWithdrawsNoOther) {
  auto* const advise = recorder.hook<int(void*, size_t, int)>("madvise");
  void* const memory = fresh(4 * kPage);
  ASSERT_EQ(advise(memory, 4 * kPage, MADV_FREE), 0);
  ASSERT_EQ(advise(memory, 0, MADV_FREE), 0);
  ASSERT_EQ(advise(memory, SIZE_MAX, MADV_FREE), -1);
  const std::vector<trace::Event> notes = notes_of(EventKind::kAdviseFree);
  ASSERT_EQ(notes.size(), 1u) << "a note of no bytes withdraws the one before";
  EXPECT_EQ(notes[0].bytes, 4 * kPage);
  ASSERT_EQ(advise(static_cast<char*>(memory) + 1, kPage, MADV_FREE), -1);
  EXPECT_EQ(notes_of(EventKind::kAdviseFree).size(), 2u) << "this one was refused";
  ::munmap(memory, 4 * kPage);
}

TEST_F(Calls, AdviceOnHugePagesIsNotedEvenWhereThisMachineHasNone) {
  constexpr int kCollapse = 25;  // MADV_COLLAPSE
  auto* const advise = recorder.hook<int(void*, size_t, int)>("madvise");
  auto* const memory = static_cast<char*>(fresh(4 * kPage));
  for (const int advice : {MADV_HUGEPAGE, MADV_NOHUGEPAGE, kCollapse}) advise(memory, 3 * kPage, advice);
  advise(memory + 1, kPage, kCollapse);            // EINVAL, on the target too
  advise(memory, size_t{1} << 60, MADV_HUGEPAGE);  // ENOMEM
  const std::vector<trace::Event> notes = notes_of(EventKind::kAdviseHuge);
  ASSERT_EQ(notes.size(), 3u);
  EXPECT_EQ(notes[0].flags, trace::kHugePages);
  EXPECT_EQ(notes[1].flags, 0);
  EXPECT_EQ(notes[2].flags, trace::kCollapse);
  EXPECT_EQ(notes[2].bytes, 3 * kPage);
  ::munmap(memory, 4 * kPage);
}

TEST_F(Calls, ThatLockMemoryAreNotedInWholePages) {
  auto* const lock = recorder.hook<int(const void*, size_t)>("mlock");
  auto* const unlock = recorder.hook<int(const void*, size_t)>("munlock");
  auto* const memory = static_cast<char*>(fresh(4 * kPage));
  if (lock(memory + 1, kPage) != 0) GTEST_SKIP() << "this user may lock nothing";
  unsigned char there[2] = {};
  ASSERT_EQ(::mincore(memory, 2 * kPage, there), 0);
  EXPECT_EQ(there[0] & there[1] & 1, 1) << "not only on fault: both pages that the range touches";
  ASSERT_EQ(unlock(memory, 4 * kPage), 0);
  const std::vector<trace::Event> notes = notes_of(EventKind::kLock);
  ASSERT_EQ(notes.size(), 2u);
  EXPECT_EQ(notes[0].address, reinterpret_cast<uint64_t>(memory));
  EXPECT_EQ(notes[0].bytes, 2 * kPage);
  EXPECT_EQ(notes[0].flags, trace::kLocked);
  EXPECT_EQ(notes[1].flags, 0);
  ::munmap(memory, 4 * kPage);
}

TEST_F(Calls, ThatAskWithALockReportItOnce) {
  recorder.shared().ask_before_use.store(1);
  auto* const map = recorder.hook<void*(void*, size_t, int, int, int, off_t)>("mmap");
  void* const memory = fresh(4 * kPage);
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_LOCKED;
  if (map(memory, 4 * kPage, PROT_READ | PROT_WRITE, kFlags, -1, 0) != memory)
    GTEST_SKIP() << "this user may lock nothing";
  const ring::Request asked = recorder.questions().back();
  EXPECT_EQ(asked.kind, ring::RequestKind::kMapped);
  EXPECT_EQ(asked.flags, static_cast<uint64_t>(kFlags));
  EXPECT_EQ(notes_of(EventKind::kLock).size(), 0u);
  ::munmap(memory, 4 * kPage);
}

TEST_F(Calls, ThatLockNothingAreNotNoted) {
  auto* const lock = recorder.hook<int(const void*, size_t)>("mlock");
  auto* const lock_all = recorder.hook<int(int)>("mlockall");
  void* const memory = fresh(kPage);
  ::munmap(memory, kPage);
  EXPECT_EQ(outcome_of([&] { return lock(memory, kPage); }), (Outcome{-1, ENOMEM}));
  EXPECT_EQ(outcome_of([&] { return lock_all(64); }), (Outcome{-1, EINVAL}));
  EXPECT_EQ(notes_of(EventKind::kLock).size(), 0u);
  EXPECT_EQ(notes_of(EventKind::kLockAll).size(), 0u);
}

TEST_F(Calls, OfAVforkChildOnItsOwnLimitsAreNotItsParents) {
  auto* const limit = recorder.hook<int(int, const rlimit*)>("setrlimit");
  auto* const leave = recorder.hook<void(int)>("_exit");
  rlimit data{};
  ASSERT_EQ(::getrlimit(RLIMIT_DATA, &data), 0);
  ASSERT_EQ(limit(RLIMIT_DATA, &data), 0);
  EXPECT_EQ(notes_of(EventKind::kLimit).size(), 1u);
  const pid_t child = ::vfork();
  if (child == 0) {
    limit(RLIMIT_DATA, &data);
    leave(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(notes_of(EventKind::kLimit).size(), 0u);
}

}  // namespace
}  // namespace oomcast::inject
