// Fresh pages that are touched at once leave the host as if they had been touched one by one.
#include "model/mm/fresh_pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "model/mm/fault.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

constexpr uint64_t kMapped = 4000;

/// A program of kMapped pages, none of them touched.
struct Untouched {
  explicit Untouched(const host::HostSpec& spec) : m(spec, Kswapd::kAbsent), app(m.start(100)) {
    host::AddressSpace::Mapping kind;
    kind.anonymous = true;
    m.process(app).space.map(0, kMapped << kPageShift, kind);
    m.process(app).cgroup = m.host.app_cgroup;
  }
  Machine m;
  host::ProcessIndex app;
};

struct FreshPages : Untouched, testing::Test {
  explicit FreshPages(const host::HostSpec& spec = HostBuilder().plain_node(400000_pages).build()) : Untouched(spec) {}

  int64_t at_once(uint64_t vpn, int64_t most) {
    int64_t pages = 0;
    m.run([&] { pages = touch_fresh_pages(m.k, app, vpn, most); }, 0, 100);
    return pages;
  }
  void TearDown() override { EXPECT_EQ(m.audit(), std::vector<std::string>{}); }
};

struct FreshPagesInGroup : FreshPages {
  static host::HostSpec limited() {
    host::HostSpec spec = HostBuilder().plain_node(400000_pages).build();
    spec.cgroup.present = true;
    spec.cgroup.memory_max = 8 << 20;
    return spec;
  }
  FreshPagesInGroup() : FreshPages(limited()) {}
};

TEST_F(FreshPages, NoneIsTakenWhereAPageTableOrTheCpusListIsMissing) {
  EXPECT_EQ(at_once(0, 8), 0) << "no page table";
  EXPECT_EQ(m.count(Vmstat::pgfault), 0);
  m.touch(app, 0, 1);
  m.zone().pcp[0].count = 0;
  m.zone().free = m.zone().managed - m.zone().used;
  EXPECT_EQ(at_once(1, 8), 0) << "an allocation has to refill the list";
}

TEST_F(FreshPages, AsManyAreTakenAsTheListHolds) {
  m.touch(app, 0, 1);
  const int64_t held = m.zone().pcp[0].count;
  ASSERT_GT(held, 8);
  EXPECT_EQ(at_once(1, 8), 8);
  EXPECT_EQ(at_once(9, 500), held - 8);
  EXPECT_EQ(m.process(app).touched_pages, 1 + held);
}

TEST_F(FreshPages, TheyEndBeforeAPageThatIsThereAndBeforeTheEndOfTheMapping) {
  m.touch(app, 5, 1);
  EXPECT_EQ(at_once(0, 16), 5);
  EXPECT_EQ(at_once(5, 16), 0);
  m.touch(app, kMapped - 3, 1);
  EXPECT_EQ(at_once(kMapped - 2, 16), 2);
  EXPECT_EQ(at_once(kMapped, 16), 0) << "no mapping";
}

TEST_F(FreshPages, LockedMemoryAndMemoryWithAPolicyIsTouchedPageByPage) {
  m.touch(app, 0, 1);
  m.process(app).space.has_policies = true;
  EXPECT_EQ(at_once(1, 8), 0);
  m.process(app).space.has_policies = false;
  m.process(app).space.change(0, 64 << kPageShift, [](auto& mapping) { mapping.lock = host::LockMode::kLocked; });
  EXPECT_EQ(at_once(1, 8), 0);
  m.process(app).space.change(0, 64 << kPageShift, [](auto& mapping) { mapping.lock = host::LockMode::kNone; });
  EXPECT_EQ(at_once(1, 8), 8);
}

TEST_F(FreshPages, BelowTheLowMarkTheAllocatorDecides) {
  m.touch(app, 0, 1);
  m.zone().low += m.zone().free;
  EXPECT_EQ(at_once(1, 8), 0);
}

TEST_F(FreshPagesInGroup, AsManyAreTakenAsTheGroupHasChargedInAdvance) {
  m.touch(app, 0, 40);
  const int64_t stock = m.host.cgroups[m.host.app_cgroup].stock[0];
  ASSERT_GT(stock, 0);
  m.zone().pcp[0].count += 100;
  m.zone().free -= 100;
  const int64_t usage = m.host.cgroups[m.host.app_cgroup].usage;
  EXPECT_EQ(at_once(40, 500), stock);
  EXPECT_EQ(m.host.cgroups[m.host.app_cgroup].stock[0], 0);
  EXPECT_EQ(m.host.cgroups[m.host.app_cgroup].usage, usage) << "charged already";
  EXPECT_EQ(at_once(40 + static_cast<uint64_t>(stock), 8), 0);
}

/// Touches the first `pages` pages.
void touch(Untouched& untouched, bool one_by_one, uint64_t pages) {
  const auto body = [&] {
    for (uint64_t vpn = 0; vpn < pages;) {
      const auto most = static_cast<int64_t>(std::min(pages - vpn, uint64_t{64}));
      const int64_t done = one_by_one ? 0 : touch_fresh_pages(untouched.m.k, untouched.app, vpn, most);
      if (done == 0) touch_page(untouched.m.k, untouched.app, vpn, true);
      vpn += done == 0 ? 1 : static_cast<uint64_t>(done);
    }
  };
  untouched.m.run(body, 0, 100);
}

/// All that a later allocation or reclaim could depend on.
std::vector<std::string> state_of(Untouched& untouched, uint64_t pages) {
  std::vector<std::string> lines;
  const auto add = [&lines](const std::string& what, std::initializer_list<int64_t> numbers) {
    std::string line = what;
    for (const int64_t number : numbers) line += " " + std::to_string(number);
    lines.push_back(line);
  };
  const host::Host& host = untouched.m.host;
  for (int i = 0; i < host::vmstat_count(host.spec); ++i) add("counter", {i, host.vmstat.at_index(i)});
  for (const host::Zone& zone : host.nodes[0].zones) {
    add("zone", {zone.free, zone.used, zone.below_high});
    for (const host::Pcp& pcp : zone.pcp)
      add("list of a CPU", {pcp.count, pcp.free_factor, pcp.free_count, pcp.alloc_factor, pcp.high});
  }
  for (const host::Cgroup& group : host.cgroups) add("group", {group.usage, group.parked(), group.peak});
  for (uint64_t vpn = 0; vpn < pages; ++vpn) {
    const host::Page& page = untouched.m.page(untouched.app, vpn);
    add("page", {page.flags, page.prev, page.next, static_cast<int64_t>(page.list), page.cgroup_bits, page.mapcount});
  }
  const host::Process& process = untouched.m.process(untouched.app);
  add("sums", {host.guest_anon, host.guest_touched, process.rss_anon, process.resident_peak, process.touched_pages});
  return lines;
}

TEST_F(FreshPages, NothingTellsThemFromPagesTouchedOneByOne) {
  Untouched twin(m.host.spec);
  touch(*this, false, 3000);
  touch(twin, true, 3000);
  EXPECT_EQ(state_of(*this, 3000), state_of(twin, 3000));
}

TEST_F(FreshPagesInGroup, NothingTellsThemFromPagesTouchedOneByOne) {
  Untouched twin(m.host.spec);
  touch(*this, false, 1500);
  touch(twin, true, 1500);
  EXPECT_EQ(state_of(*this, 1500), state_of(twin, 1500));
}

}  // namespace
}  // namespace oomcast::mm
