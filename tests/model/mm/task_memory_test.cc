// Tests the memory that the kernel takes for tasks: who is charged for it, and that all of it comes back.
#include "model/mm/task_memory.h"

#include <gtest/gtest.h>

#include "tests/support/host_builder.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using support::HostBuilder;
using support::Machine;
using namespace oomcast::literals;

/// A process in a group of 16 MiB.
struct InGroup {
  Machine m;
  host::ProcessIndex app;
  explicit InGroup(host::KernelVersion kernel = {6, 1})
      : m(HostBuilder().kernel(kernel.major, kernel.minor).plain_node(20000_pages).limit(16_MiB).build()),
        app(m.start(100)) {
    m.process(app).cgroup = m.host.app_cgroup;
  }
  host::Cgroup& group() { return m.host.cgroups[m.host.app_cgroup]; }
  int64_t charged() { return group().usage - group().parked(); }
};

TEST(TaskMemory, IsChargedToTheGroupOfTheProcess) {
  InGroup t;
  t.m.run([&] { take_task_memory(t.m.k, t.app, kForkedPages); });
  EXPECT_EQ(t.charged(), kForkedPages);
  EXPECT_EQ(t.m.audit(), std::vector<std::string>{});
}

TEST(TaskMemory, OfAThreadComesBackWithTheThreadAndTheRestWithTheProcess) {
  InGroup t;
  const int64_t available = t.m.available();
  t.m.run([&] {
    take_task_memory(t.m.k, t.app, kForkedPages);
    take_task_memory(t.m.k, t.app, kThreadPages);
    free_thread_memory(t.m.k, t.app);
  });
  EXPECT_EQ(t.charged(), kForkedPages);
  t.m.run([&] { free_task_memory(t.m.k, t.app); });
  EXPECT_EQ(t.charged(), 0);
  EXPECT_EQ(t.m.available(), available);
  EXPECT_EQ(t.m.audit(), std::vector<std::string>{});
}

TEST(TaskMemory, Before45IsTheHostsAlone) {
  InGroup t({4, 4});
  t.m.run([&] { take_task_memory(t.m.k, t.app, kForkedPages); });
  EXPECT_EQ(t.charged(), 0);
  EXPECT_EQ(t.m.process(t.app).task_pages_at.size(), size_t{kForkedPages});
}

}  // namespace
}  // namespace oomcast::mm
