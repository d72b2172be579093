// Equal inputs give equal digests; any difference that matters shows.
#include "model/sim/digest.h"

#include <gtest/gtest.h>

#include "tests/support/machine.h"
#include "tests/support/program.h"

namespace oomcast::sim {
namespace {

using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using support::Program;
using namespace oomcast::literals;

uint64_t run(const HostBuilder& host, uint64_t pages, Nanoseconds pace = {}) {
  Simulation s(host.build(), {});
  Program p(s, 100);
  p.pace(pace);
  p.map(0, 30000);
  p.touch(0, pages);
  p.touch(0, pages / 2);
  p.exit();
  return s.finish().digest;
}

HostBuilder tight() {
  return HostBuilder().node(80_MiB).page_cache(2000_pages).swap(64_MiB).process(50, "idle", 4_MiB);
}

TEST(Digest, TheSameRunTwiceIsTheSameToTheLastBit) { EXPECT_EQ(run(tight(), 25000), run(tight(), 25000)); }

TEST(Digest, OnePageMoreIsAnotherRun) { EXPECT_NE(run(tight(), 25000), run(tight(), 25001)); }

TEST(Digest, AnotherSettingIsAnotherRun) {
  EXPECT_NE(run(tight(), 25000), run(tight().set("vm.swappiness", 10), 25000));
}

TEST(Digest, AnotherPaceIsAnotherRun) { EXPECT_NE(run(tight(), 25000), run(tight(), 25000, 1_us)); }

TEST(Digest, SeesCountersFreePagesAndTheOrderOfLists) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  m.touch(m.start(100), 0, 64);
  const Outcome outcome;
  const uint64_t before = digest_of(m.host, outcome);
  ++m.host.vmstat[host::Vmstat::pgrotated];
  EXPECT_NE(digest_of(m.host, outcome), before);
  --m.host.vmstat[host::Vmstat::pgrotated];
  ++m.zone().free;
  EXPECT_NE(digest_of(m.host, outcome), before);
  --m.zone().free;
  EXPECT_EQ(digest_of(m.host, outcome), before);
  host::LruList& list = m.node().lruvec(host::kRootCgroup).list(host::LruKindIndex::kInactiveAnon);
  const host::PageId tail = list.tail();
  list.remove(m.host.pages, tail);
  list.push_head(m.host.pages, tail);
  EXPECT_NE(digest_of(m.host, outcome), before);
}

}  // namespace
}  // namespace oomcast::sim
