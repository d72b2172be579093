// The end of a process frees what it held, and takes its time.
#include <gtest/gtest.h>

#include "model/mm/fault.h"
#include "model/mm/shrink_lists.h"
#include "model/mm/swap.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

TEST(Exit, EverythingComesFreeThatTheProcessHeld) {
  Machine m(HostBuilder().plain_node(20000_pages).swap(1_MiB).build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.process(app).space.map(0, (8_MiB).count(), {.accountable = true, .anonymous = true});
  m.host.committed = m.process(app).space.committed_pages;
  m.touch(app, 0, 2000);
  m.run([&] { exit_process(m.k, app); });
  EXPECT_EQ(m.available(), 20000);
  EXPECT_EQ(m.host.committed, 0);
  EXPECT_EQ(m.host.guest_anon, 0);
  EXPECT_EQ(m.host.guest_tables, 0);
  EXPECT_EQ(m.process(app).rss_anon, 0);
  EXPECT_FALSE(m.process(app).alive);
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST(Exit, SwappedPagesGiveTheirSlotsBack) {
  Machine m(HostBuilder().plain_node(20000_pages).swap(1_MiB).build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 64);
  for (int pass = 0; pass < 3; ++pass) {
    m.run([&] {
      SwapPlug plug(m.k);
      ScanControl sc;
      for (int i = 0; i < 2; ++i) shrink_inactive_list(m.k, 0, host::kRootCgroup, 32, false, sc);
      plug.flush();
    });
    m.pass(1_s);
  }
  ASSERT_EQ(m.process(app).swap_entries, 64);
  m.run([&] { exit_process(m.k, app); });
  EXPECT_EQ(m.host.free_swap(), 256);
  EXPECT_EQ(m.host.guest_swapped, 0);
}

TEST(Exit, AnotherProcessOfTheHostGivesBackWhatItHeldBeforeTheRun) {
  Machine m(HostBuilder()
                .plain_node(20000_pages)
                .process(50, "first", 4_MiB)
                .process(60, "second", 8_MiB)
                .swap(64_MiB)
                .build(),
            Kswapd::kAbsent);
  const int64_t available = m.available();
  // Some of it is swapped out, some is in the swap cache, most of it was never scanned.
  for (int pass = 0; pass < 2; ++pass) {
    m.run([&] {
      SwapPlug plug(m.k);
      ScanControl sc;
      shrink_inactive_list(m.k, 0, host::kRootCgroup, 32, false, sc);
      plug.flush();
    });
    m.pass(1_s);
  }
  m.run([&] { exit_process(m.k, 1); });
  m.pass(1_s);
  EXPECT_EQ(m.host.processes[1].rss_anon, 0);
  EXPECT_EQ(m.host.processes[1].swap_entries, 0);
  EXPECT_EQ(m.available(), available + 2048);
  EXPECT_EQ(m.host.processes[0].rss_anon + m.host.processes[0].swap_entries, 1024) << "the other one keeps its memory";
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST(Exit, TakesTimePerPage) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 5000);
  const Nanoseconds begin = m.sched.now();
  m.run([&] { exit_process(m.k, app); });
  EXPECT_GE(m.sched.now() - begin, m.k.costs.zap_page * 4500);
  EXPECT_LE(m.sched.now() - begin, m.k.costs.zap_page * 5500);
}

TEST(Exit, OthersRunWhileABigProcessDies) {
  Machine m(HostBuilder().plain_node(20000_pages).cpus(2).build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 5000);
  const sim::FiberId dying = m.begin([&] { exit_process(m.k, app); });
  EXPECT_FALSE(m.sched.done(dying));
  EXPECT_GT(m.process(app).rss_anon, 4000);
  const auto other = m.start(101);
  m.touch(other, 0, 10);
  m.finish(dying);
  EXPECT_EQ(m.process(other).rss_anon, 10);
}

TEST(Exit, AVictimThatIsGoneLetsTheNextBeChosen) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.process(app).dying = true;
  m.k.oom_victims_pending = 1;
  m.run([&] { exit_process(m.k, app); });
  EXPECT_EQ(m.k.oom_victims_pending, 0);
}

TEST(Exit, ASecondExitChangesNothing) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.process(app).dying = true;
  m.k.oom_victims_pending = 1;
  m.run([&] {
    exit_process(m.k, app);
    exit_process(m.k, app);
  });
  EXPECT_EQ(m.k.oom_victims_pending, 0);
}

}  // namespace
}  // namespace oomcast::mm
