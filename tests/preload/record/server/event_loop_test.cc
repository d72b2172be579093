// What is ready is served in the order that keeps causes before effects, and another thread can end a wait.
#include "preload/record/server/event_loop.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <thread>

namespace oomcast::record {
namespace {

constexpr uint64_t kForeverNs = 60'000'000'000;

TEST(EventLoop, FaultsComeBeforeConnectionsAndConnectionsBeforeEnds) {
  EventLoop loop;
  const UniqueFd ready(::eventfd(1, EFD_CLOEXEC));
  const UniqueFd one(::dup(ready.get())), two(::dup(ready.get())), three(::dup(ready.get())), four(::dup(ready.get()));
  loop.watch(one.get(), SourceKind::kProcess, 1);
  loop.watch(two.get(), SourceKind::kListener, 2);
  loop.watch(three.get(), SourceKind::kConnection, 3);
  loop.watch(four.get(), SourceKind::kFaults, 4);
  const std::span<const Source> sources = loop.wait(kForeverNs);
  ASSERT_EQ(sources.size(), 4u);
  const uint32_t order[] = {4, 3, 2, 1};
  for (size_t i = 0; i < sources.size(); ++i) EXPECT_EQ(sources[i].id, order[i]);
}

TEST(EventLoop, NothingReadyIsNoSource) {
  EventLoop loop;
  EXPECT_TRUE(loop.wait(0).empty());
  EXPECT_TRUE(loop.wait(100'000).empty()) << "shorter than epoll_wait() can count";
}

TEST(EventLoop, AnotherThreadEndsTheWaitOnce) {
  EventLoop loop;
  std::thread other([&loop] { loop.wake_up(); });
  const std::span<const Source> sources = loop.wait(kForeverNs);
  ASSERT_EQ(sources.size(), 1u);
  EXPECT_EQ(sources[0].kind, SourceKind::kWakeUp);
  other.join();
  EXPECT_TRUE(loop.wait(0).empty());
}

}  // namespace
}  // namespace oomcast::record
