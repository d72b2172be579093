// The content of pages is read without waiting for a fault that only the reader could answer.
#include "preload/record/capture/guest_content.h"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/record/kernel/unique_fd.h"
#include "preload/record/kernel/userfaultfd.h"

namespace oomcast::record {
namespace {

using testing::ElementsAre;

class GuestContentTest : public testing::Test {
 protected:
  static constexpr uint64_t kPages = 40;
  GuestContentTest() {
    memory =
        static_cast<char*>(::mmap(nullptr, kPages * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ::madvise(memory, kPages * kPage, MADV_NOHUGEPAGE);
  }
  ~GuestContentTest() override {
    channel.reset();  // before the unmap, which would else wait for its event to be read
    ::munmap(memory, kPages * kPage);
  }
  uint64_t start() const { return reinterpret_cast<uint64_t>(memory); }
  void mark_all(PageBit bit) {
    for (uint64_t i = 0; i < kPages; ++i) pages.set(bit, start() + i * kPage, true);
  }
  bool hold_faults() {
    channel = Userfaultfd(UniqueFd(static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK))));
    return channel.valid() && channel.negotiate() && channel.register_range(start(), start() + kPages * kPage);
  }
  std::unique_ptr<MemoryView> memory_of_test = std::make_unique<ProcMemory>(static_cast<uint32_t>(::getpid()));
  char* memory = nullptr;
  PageStates pages;
  GuestContent content;
  Userfaultfd channel;
};

TEST_F(GuestContentTest, OnlyPagesWithTheBitAndWithContentAreFound) {
  memory[0] = 1;
  memory[3 * kPage - 1] = 1;
  memory[5 * kPage] = 1;
  for (const uint64_t page : {0, 1, 2}) pages.set(PageBit::kPrefilled, start() + page * kPage, true);
  EXPECT_THAT(content.of(*memory_of_test, pages, PageBit::kPrefilled, start(), start() + 6 * kPage),
              ElementsAre(true, false, true, false, false, false));
  EXPECT_EQ(content.pages_read(), 3u);
}

TEST_F(GuestContentTest, AMissingPageThatWouldFaultIsReadOverAndNotWaitedFor) {
  if (!hold_faults()) GTEST_SKIP() << "no userfaultfd here";
  uint64_t filled = 0;
  ASSERT_EQ(channel.fill(start(), 2, true, false, &filled), FaultResult::kDone);
  ASSERT_EQ(channel.fill(start() + 38 * kPage, 2, true, false, &filled), FaultResult::kDone);
  memory[kPage] = memory[39 * kPage] = 1;
  mark_all(PageBit::kPrefilled);  // as the recorder believes; the kernel has dropped the rest
  ::alarm(60);                    // whoever waits here waits for ever
  const std::vector<bool> found =
      content.of(*memory_of_test, pages, PageBit::kPrefilled, start(), start() + kPages * kPage);
  ::alarm(0);
  std::vector<bool> expected(kPages, false);
  expected[1] = expected[39] = true;
  EXPECT_EQ(found, expected);
}

TEST_F(GuestContentTest, OfAProcessThatCannotBeReadNothingIsFound) {
  memory[0] = 1;
  mark_all(PageBit::kPrefilled);
  EXPECT_THAT(content.of(ProcMemory(UINT32_MAX), pages, PageBit::kPrefilled, start(), start() + 2 * kPage),
              ElementsAre(false, false));
}

}  // namespace
}  // namespace oomcast::record
