// Older kernels follow their own rules: what Linux 5.10, 5.4 and 4.19 did otherwise than 6.1.
#include <gtest/gtest.h>

#include "model/mm/lru.h"
#include "model/mm/memcg.h"
#include "model/mm/oom_killer.h"
#include "model/mm/page_alloc.h"
#include "model/mm/pcp.h"
#include "model/mm/shrink_lists.h"
#include "model/mm/swap.h"
#include "model/mm/vmscan.h"
#include "model/mm/workingset.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::KernelVersion;
using host::LruKindIndex;
using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

constexpr KernelVersion k61{6, 1}, k510{5, 10}, k54{5, 4}, k419{4, 19};

HostBuilder plain(KernelVersion kernel) {
  return HostBuilder().kernel(kernel.major, kernel.minor).plain_node(20000_pages).swap(64_MiB);
}

struct Group {
  explicit Group(const host::HostSpec& spec) : m(spec, Kswapd::kAbsent), app(m.start(100)) {
    m.process(app).cgroup = m.host.app_cgroup;
  }
  host::Cgroup& group() { return m.host.cgroups[m.host.app_cgroup]; }
  Machine m;
  host::ProcessIndex app;
};

TEST(Linux510, ACpuTakes32PagesOfAGroupsLimitAtOnce) {
  Group c(plain(k510).limit(16_MiB).build());
  c.m.touch(c.app, 0, 10);
  EXPECT_EQ(c.group().usage, 32) << "one batch covers ten pages and three tables";
}

TEST(Linux510, ACpuGivesBackOneBatchHoweverManyPagesComeFree) {
  host::Pcp pcp;
  pcp.count = pcp.high = 378;
  pcp.batch = 63;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(pcp_surplus(k510, {}, pcp), 63);
  pcp.count = 377;
  EXPECT_EQ(pcp_surplus(k510, {}, pcp), 0);
}

// The time that one throttle for writeback takes.
Nanoseconds writeback_wait(KernelVersion kernel) {
  Machine m(plain(kernel).build(), Kswapd::kAbsent);
  Nanoseconds took{};
  m.run([&] {
    const Nanoseconds begin = m.sched.now();
    reclaim_throttle(m.k, 0, Throttle::kWriteback);
    took = m.sched.now() - begin;
  });
  return took;
}

TEST(Linux510, KswapdWaitsATenthOfASecondForWritebackAndNobodyForProgress) {
  EXPECT_EQ(writeback_wait(k510), 100_ms);
  Machine m(plain(k510).build(), Kswapd::kAbsent);
  m.zone().write_pending = 20000;  // so that 6.1 would wait
  m.run([&] { reclaim_throttle(m.k, 0, Throttle::kNoProgress); });
  EXPECT_EQ(m.outcome.stall.throttled_total, 0_ns);
}

TEST(Linux54, AnAnonymousPageThatComesBackIsNoRefault) {
  for (const KernelVersion kernel : {k54, k510}) {
    Machine m(plain(kernel).build(), Kswapd::kAbsent);
    m.run([&] {
      const host::PageId id = new_page(m.k, alloc_page(m.k, kGfpHighUserMovable, 0), host::kPageSwapBacked);
      const host::Shadow shadow = workingset_eviction(m.k, m.host.pages[id], host::kRootCgroup);
      workingset_refault(m.k, id, shadow);
    });
    EXPECT_EQ(m.count(Vmstat::workingset_refault_anon), kernel == k510 ? 1 : 0);
  }
}

TEST(Linux54, ASwappedPageIsActiveWhenItIsBack) {
  for (const KernelVersion kernel : {k54, k510}) {
    Machine m(plain(kernel).set("vm.page_cluster", 0).build(), Kswapd::kAbsent);
    const host::ProcessIndex app = m.start(100);
    m.touch(app, 0, 64);
    for (int pass = 0; pass < 4; ++pass) {
      m.run([&] {
        SwapPlug plug(m.k);
        ScanControl sc;
        shrink_active_list(m.k, 0, host::kRootCgroup, 32, false, sc);
        shrink_active_list(m.k, 0, host::kRootCgroup, 32, false, sc);
        shrink_inactive_list(m.k, 0, host::kRootCgroup, 32, false, sc);
        shrink_inactive_list(m.k, 0, host::kRootCgroup, 32, false, sc);
        plug.flush();
      });
      m.pass(1_s);
    }
    ASSERT_EQ(m.process(app).swap_entries, 64);
    m.touch(app, 5, 1);
    m.lru_drain();
    EXPECT_EQ(m.page(app, 5).list, kernel == k54 ? LruKindIndex::kActiveAnon : LruKindIndex::kInactiveAnon);
    EXPECT_EQ(m.audit(), std::vector<std::string>{});
  }
}

TEST(Linux419, WhoIsAboveMemoryHighReclaimsAndDoesNotSleep) {
  for (const KernelVersion kernel : {k419, k61}) {
    host::HostSpec spec =
        HostBuilder().kernel(kernel.major, kernel.minor).plain_node(20000_pages).limit(16_MiB).build();
    spec.cgroup.memory_max = -1;
    spec.cgroup.memory_high = 4 << 20;
    Group c(spec);
    c.m.touch(c.app, 0, 2000);
    EXPECT_GT(c.group().events.high, 0);
    EXPECT_EQ(c.m.outcome.stall.memory_high_total > 0_ns, kernel == k61);
  }
}

TEST(Linux54, AGroupThatFindsNothingReclaimsFiveTimesBeforeItKills) {
  const auto futile_rounds = [](KernelVersion kernel) {
    Group c(HostBuilder().kernel(kernel.major, kernel.minor).plain_node(20000_pages).limit(16_MiB).build());
    c.m.touch(c.app, 0, 8000);
    return c.group().events.max;
  };
  EXPECT_EQ(futile_rounds(k61) - futile_rounds(k54), 11);
}

TEST(Linux44, RootsProcessesHaveThreePercentFewerPoints) {
  host::Process process;
  process.rss_anon = 1000;
  EXPECT_EQ(oom_badness(process, 400000, {4, 4}), 970);
  EXPECT_EQ(oom_badness(process, 400000, k419), 1000);
  process.uid = 1000;
  EXPECT_EQ(oom_badness(process, 400000, {4, 4}), 1000);
}

}  // namespace
}  // namespace oomcast::mm
