// Reclaim of a node visits one generation of cgroups, and skips a cgroup for a while once it has been aged.
#include <gtest/gtest.h>

#include "model/mm/lru_gen.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::kGenFile;
using host::ZoneKind;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

host::LruGen& gens(Machine& m, host::CgroupIndex group) { return *m.node().lruvec(group).gens; }

// A host with a group beside the root, each with file pages that no reclaim has scanned.
HostBuilder two_groups() { return HostBuilder().kernel(6, 12).multi_gen().plain_node(20000_pages).limit(40_MiB); }
void stock(Machine& m, host::CgroupIndex group, int64_t pages) {
  gens(m, group).lists[1][kGenFile][ZoneKind::kDma32].reservoir.add({host::kNoProcess, ZoneKind::kDma32, pages});
  gens(m, group).nr_pages[1][kGenFile][ZoneKind::kDma32] += pages;
  gens(m, group).min_seq = {1, 1};
  m.zone().used += pages;
  m.zone().free -= pages;
  if (group != host::kRootCgroup) m.host.cgroups[group].usage += pages;
}
int64_t shrink(Machine& m, ScanControl sc) {
  m.run([&] { lru_gen_shrink_node(m.k, 0, sc); });
  return sc.nr_reclaimed;
}
ScanControl wanting(int64_t pages, int priority) {
  ScanControl sc;
  sc.nr_to_reclaim = pages;
  sc.priority = priority;
  return sc;
}
// Bins are drawn: a group that is put into one that this pass has been to waits for the next.
constexpr int kPassesEnough = 40;

TEST(MemcgLru, ATaskIsContentWithTheFirstGroupThatGivesABatch) {
  Machine m(two_groups().build(), Kswapd::kAbsent);
  stock(m, 0, 500);
  stock(m, 1, 500);
  EXPECT_EQ(shrink(m, wanting(32, 3)), 64);
}

TEST(MemcgLru, GroupsThatAreTooSmallAreTriedOnceMoreAndThenMadeYoung) {
  Machine m(two_groups().build(), Kswapd::kAbsent);
  int passes = 0;
  while (m.node().memcg_lru.seq == 0 && passes < kPassesEnough) {
    shrink(m, wanting(1000, kDefPriority));
    ++passes;
    EXPECT_EQ(m.audit(), std::vector<std::string>{});
  }
  EXPECT_EQ(m.node().memcg_lru.seq, 1u) << "the generation that all have left is over";
  EXPECT_EQ(gens(m, 0).memcg_gen, 1);
  EXPECT_EQ(gens(m, 1).memcg_gen, 1);
}

TEST(MemcgLru, AGroupWithEnoughLeftKeepsItsPlace) {
  Machine m(two_groups().build(), Kswapd::kAbsent);
  stock(m, 0, 8000);
  for (int i = 0; i < kPassesEnough && gens(m, 1).memcg_gen == 0; ++i) shrink(m, wanting(10000, kDefPriority));
  EXPECT_EQ(gens(m, 0).memcg_gen, 0);
  EXPECT_EQ(gens(m, 1).memcg_gen, 1);
  EXPECT_EQ(m.node().memcg_lru.seq, 0u);
}

TEST(MemcgLru, MemoryMinIsNeverTakenAndMemoryLowLast) {
  Machine m(two_groups().build(), Kswapd::kAbsent);
  stock(m, 1, 500);
  m.host.cgroups[1].min = 1000;
  for (int i = 0; i < kPassesEnough; ++i) EXPECT_EQ(shrink(m, wanting(32, 1)), 0);
  m.host.cgroups[1].min = 0;
  m.host.cgroups[1].low = 1000;
  int64_t reclaimed = 0;
  for (int i = 0; i < kPassesEnough && reclaimed == 0; ++i) reclaimed = shrink(m, wanting(32, 1));
  EXPECT_GT(reclaimed, 0) << "there is nothing else";
  EXPECT_EQ(m.host.cgroups[1].events.low, 1);
}

}  // namespace
}  // namespace oomcast::mm
