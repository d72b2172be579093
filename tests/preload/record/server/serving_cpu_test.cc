// The recorder comes to the CPU of the thread that it serves, and leaves it when there is nothing to serve.
#include "preload/record/server/serving_cpu.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace oomcast::record {
namespace {

int cpus_allowed(int tid) {
  cpu_set_t set;
  return ::sched_getaffinity(tid, sizeof set, &set) == 0 ? CPU_COUNT(&set) : -1;
}

TEST(ServingCpu, FollowsAndLetsGo) {
  const int self = static_cast<int>(::syscall(SYS_gettid)), everywhere = cpus_allowed(0);
  if (everywhere < 2) GTEST_SKIP() << "one CPU";
  ServingCpu serving;
  const int servers[2] = {self, self};
  serving.served(static_cast<uint32_t>(::getpid()), static_cast<uint32_t>(self), servers);
  EXPECT_EQ(cpus_allowed(0), 1);
  serving.rest(servers);
  EXPECT_EQ(cpus_allowed(0), 1) << "something was served since the last rest";
  serving.rest(servers);
  EXPECT_EQ(cpus_allowed(0), everywhere);
}

TEST(ServingCpu, AThreadThatIsGoneMovesNothing) {
  const int self = static_cast<int>(::syscall(SYS_gettid)), everywhere = cpus_allowed(0);
  ServingCpu serving;
  serving.served(static_cast<uint32_t>(::getpid()), 0, {self, self});
  EXPECT_EQ(cpus_allowed(0), everywhere);
}

}  // namespace
}  // namespace oomcast::record
