// What is ready is served in the order that keeps causes before effects, and another thread can end a wait.
#include "preload/record/server/event_loop.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "preload/record/kernel/mapping_notices.h"

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

TEST(EventLoop, WhatIsReadyOnceIsFoundByAShortWaitToo) {
  int go[2], said[2];
  ASSERT_EQ(::pipe(go), 0);
  ASSERT_EQ(::pipe(said), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(go[1]);
    for (char byte; ::read(go[0], &byte, 1) == 1;) {
      ::mmap(nullptr, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      static_cast<void>(!::write(said[1], &byte, 1));
    }
    ::_exit(0);
  }
  const MappingNotices notices(static_cast<uint32_t>(child));
  EventLoop loop;
  notices.for_each_descriptor([&loop](int fd) { loop.watch(fd, SourceKind::kMappings, 1); });
  char byte = 'x';
  EXPECT_EQ(::write(go[1], &byte, 1), 1);
  EXPECT_EQ(::read(said[0], &byte, 1), 1);
  if (notices.valid()) {
    EXPECT_EQ(loop.wait(100'000).size(), 1u);
  }
  for (const int fd : {go[0], go[1], said[0], said[1]}) ::close(fd);
  ::waitpid(child, nullptr, 0);
  if (!notices.valid()) GTEST_SKIP() << "no perf events here";
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
