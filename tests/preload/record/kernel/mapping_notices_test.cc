// The kernel says what a process maps, and nothing of what others do.
#include "preload/record/kernel/mapping_notices.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace oomcast::record {
namespace {

using testing::IsEmpty;

constexpr uint64_t kBytes = 1 << 20;

PageRange map_some(void* at = nullptr, int flags = 0) {
  const auto start = reinterpret_cast<uint64_t>(
      ::mmap(at, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0));
  return {start, start + kBytes};
}

/// A copy of the test that does what the function says with the pipe on which it reports what it has mapped.
class Child {
 public:
  template <class What>
  explicit Child(What what) {
    EXPECT_EQ(::pipe(go_), 0);
    EXPECT_EQ(::pipe(said_), 0);
    pid_ = ::fork();
    if (pid_ != 0) return;
    for (;;) {
      char byte;
      if (::read(go_[0], &byte, 1) != 1) ::_exit(0);
      const PageRange mapped = what();
      static_cast<void>(!::write(said_[1], &mapped, sizeof mapped));
    }
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    for (const int fd : {go_[0], go_[1], said_[0], said_[1]}) ::close(fd);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  uint32_t pid() const { return static_cast<uint32_t>(pid_); }
  PageRange map() const {
    PageRange mapped{};
    EXPECT_EQ(::write(go_[1], "", 1), 1);
    EXPECT_EQ(::read(said_[0], &mapped, sizeof mapped), static_cast<ssize_t>(sizeof mapped));
    return mapped;
  }

 private:
  pid_t pid_;
  int go_[2], said_[2];
};

/// Whether one of the mappings that are reported holds all of the range.
bool holds(const std::vector<PageRange>& reported, const PageRange& range) {
  for (const auto& [start, end] : reported)
    if (start <= range.first && range.second <= end) return true;
  return false;
}

TEST(MappingNotices, NameWhatIsMapped) {
  const Child child([] { return map_some(); });
  MappingNotices notices(child.pid());
  if (!notices.valid()) GTEST_SKIP() << "no perf events here";
  const PageRange mapped = child.map();
  EXPECT_TRUE(holds(notices.take().mapped, mapped));
  EXPECT_THAT(notices.take().mapped, IsEmpty()) << "once";
}

TEST(MappingNotices, NameWhatTheHeapAndANewThreadGet) {
  const Child heap([] {
    const auto start = reinterpret_cast<uint64_t>(::sbrk(kBytes));
    return PageRange{page_up(start), page_down(start + kBytes)};
  });
  const Child threads([] {
    PageRange mapped;
    std::thread([&] { mapped = map_some(); }).join();
    return mapped;
  });
  for (const Child* child : {&heap, &threads}) {
    MappingNotices notices(child->pid());
    if (!notices.valid()) GTEST_SKIP() << "no perf events here";
    const PageRange mapped = child->map();
    EXPECT_TRUE(holds(notices.take().mapped, mapped));
  }
}

TEST(MappingNotices, AFullBufferSaysSo) {
  const Child child([] {
    for (int i = 0; i < 2000; ++i) {
      const PageRange mapped = map_some();
      ::munmap(reinterpret_cast<void*>(mapped.first), kBytes);
    }
    return map_some();
  });
  MappingNotices notices(child.pid());
  if (!notices.valid()) GTEST_SKIP() << "no perf events here";
  child.map();
  MappingNotices::News first = notices.take();
  child.map();  // what was lost is written down with the next record
  EXPECT_TRUE(first.lost || notices.take().lost);
}

TEST(MappingNotices, TheEndOfTheLastThreadIsKnownOnce) {
  size_t ended = 0;
  std::unique_ptr<MappingNotices> notices;
  {
    const Child child([] { return map_some(); });
    notices = std::make_unique<MappingNotices>(child.pid());
    if (!notices->valid()) GTEST_SKIP() << "no perf events here";
    EXPECT_THAT(notices->take().ended, IsEmpty());
  }
  notices->for_each_descriptor([&](int) { ++ended; });
  EXPECT_EQ(notices->take().ended.size(), ended);
  EXPECT_THAT(notices->take().ended, IsEmpty());
  EXPECT_FALSE(MappingNotices(4'194'304).valid()) << "no such process";
}

}  // namespace
}  // namespace oomcast::record
