// The kernel says what a process maps, and nothing of what others do.
#include "preload/record/kernel/mapping_notices.h"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "tests/preload/record/forked_child.h"

namespace oomcast::record {
namespace {

using testing::IsEmpty;

constexpr uint64_t kBytes = 1 << 20;

PageRange map_some(void* at = nullptr, int flags = 0) {
  const auto start = reinterpret_cast<uint64_t>(
      ::mmap(at, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0));
  return {start, start + kBytes};
}

/// A forked copy of the test. At each map() it runs the function, and sends back the range that the function has
/// mapped.
class Child {
 public:
  template <class What>
  explicit Child(What what)
      : child_([&] {
          while (go_.take()) {
            const PageRange mapped = what();
            static_cast<void>(!::write(said_.to.get(), &mapped, sizeof mapped));
          }
          return 0;
        }) {}
  uint32_t pid() const { return child_.number(); }
  PageRange map() const {
    PageRange mapped{};
    go_.put();
    EXPECT_EQ(::read(said_.from.get(), &mapped, sizeof mapped), static_cast<ssize_t>(sizeof mapped));
    return mapped;
  }

 private:
  Pipe go_, said_;
  ForkedChild child_;
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
  // What was lost is written down with the next record on the same CPU, and the child may run on another one then.
  constexpr int kRoundsMost = 20;
  bool lost = false;
  for (int round = 0; round < kRoundsMost && !lost; ++round) {
    child.map();
    lost = notices.take().lost;
  }
  EXPECT_TRUE(lost);
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
