// Where the kernel writes when a thread ends, and whether a thread was made since.
#include "preload/record/kernel/robust_lists.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <thread>

#include "tests/preload/record/forked_child.h"

namespace oomcast::record {
namespace {

TEST(RobustLists, EachThreadHasAHeadOfItsOwn) {
  const auto before = robust_lists_of(static_cast<uint32_t>(::getpid()));
  ASSERT_TRUE(before.has_value());
  std::thread([&] {
    const auto with_thread = robust_lists_of(static_cast<uint32_t>(::getpid()));
    ASSERT_TRUE(with_thread.has_value());
    EXPECT_EQ(with_thread->size(), before->size() + 1);
  }).join();
}

TEST(RobustLists, AProcessThatHasEndedHasNone) {
  ForkedChild child([] { return 0; });
  const uint32_t pid = child.number();
  child.status();
  EXPECT_EQ(robust_lists_of(pid), std::vector<uint64_t>());
}

TEST(LastThreadNumber, ChangesWithEachNewThread) {
  const auto before = last_thread_number();
  ASSERT_TRUE(before.has_value());
  std::thread([] {}).join();
  EXPECT_NE(last_thread_number(), before);
}

}  // namespace
}  // namespace oomcast::record
