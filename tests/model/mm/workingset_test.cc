// Workingset detection notices evictions that came too early: refault distances, and what a refault costs its type.
#include "model/mm/workingset.h"

#include <gtest/gtest.h>

#include "model/mm/lru.h"
#include "model/mm/page_alloc.h"
#include "model/mm/page_cache.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::LruKindIndex;
using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

// One list of each size, so that every term of the working set shows.
Machine& stocked(Machine& m) {
  const std::pair<LruKindIndex, int64_t> sizes[] = {{LruKindIndex::kInactiveAnon, 1000},
                                                    {LruKindIndex::kActiveAnon, 200},
                                                    {LruKindIndex::kInactiveFile, 30},
                                                    {LruKindIndex::kActiveFile, 4}};
  for (const auto& [list, pages] : sizes)
    m.node().lruvec(host::kRootCgroup).list(list).add_reservoir({host::kNoProcess, host::ZoneKind::kDma32, pages});
  return m;
}

// Evicts a page, lets `distance` others go, and brings it back. Gives whether that activated it.
bool refault(Machine& m, uint16_t flags, int64_t distance) {
  bool active = false;
  m.run([&] {
    const host::PageId id = new_page(m.k, alloc_page(m.k, kGfpHighUserMovable, 0), flags);
    const host::Shadow shadow = workingset_eviction(m.k, m.host.pages[id], host::kRootCgroup);
    for (int64_t i = 1; i < distance; ++i) age_nonresident(m.host, 0, host::kRootCgroup);
    m.host.pages[id].clear(host::kPageWorkingset);
    workingset_refault(m.k, id, shadow);
    active = m.host.pages[id].has(host::kPageActive);
  });
  return active;
}

constexpr uint16_t kFile = host::kPageFile, kAnon = host::kPageSwapBacked;

TEST(Workingset, AnAnonymousPageCompetesWithFileAndActiveAnonPages) {
  Machine m(HostBuilder().plain_node(20000_pages).swap(1_MiB).build(), Kswapd::kAbsent);
  EXPECT_TRUE(refault(stocked(m), kAnon, 4 + 30 + 200));
  EXPECT_FALSE(refault(m, kAnon, 4 + 30 + 200 + 1));
}

TEST(Workingset, AFilePageCompetesWithActiveFileAndAllAnonPages) {
  Machine m(HostBuilder().plain_node(20000_pages).swap(1_MiB).build(), Kswapd::kAbsent);
  EXPECT_TRUE(refault(stocked(m), kFile, 4 + 200 + 1000));
  EXPECT_FALSE(refault(m, kFile, 4 + 200 + 1000 + 1));
}

TEST(Workingset, WithoutSwapAFilePageCompetesWithActiveFileOnly) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  EXPECT_TRUE(refault(stocked(m), kFile, 4));
  EXPECT_FALSE(refault(m, kFile, 5));
}

TEST(Workingset, EveryRefaultIsCountedActivatedOrNot) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  refault(stocked(m), kFile, 1);
  refault(m, kFile, 1000);
  EXPECT_EQ(m.count(Vmstat::workingset_refault_file), 2);
  EXPECT_EQ(m.count(Vmstat::workingset_activate_file), 1);
  EXPECT_EQ(m.count(Vmstat::workingset_refault_anon), 0);
  EXPECT_EQ(m.count(Vmstat::workingset_restore_file), 0);
}

TEST(Workingset, APageOfTheWorkingSetThatComesBackCostsItsType) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  refault(stocked(m), kFile | host::kPageWorkingset, 1);
  EXPECT_EQ(m.count(Vmstat::workingset_restore_file), 1);
  EXPECT_EQ(m.node().lruvec(host::kRootCgroup).file_cost, 1);
  refault(m, kFile, 1);
  EXPECT_EQ(m.node().lruvec(host::kRootCgroup).file_cost, 1) << "a new page costs nothing";
}

TEST(Workingset, APageWithoutAShadowIsNoRefault) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  m.run([&] {
    const host::PageId id = new_page(m.k, alloc_page(m.k, kGfpHighUserMovable, 0), kFile);
    workingset_refault(m.k, id, {});
    EXPECT_FALSE(m.host.pages[id].has(host::kPageActive));
  });
  EXPECT_EQ(m.count(Vmstat::workingset_refault_file), 0);
}

TEST(Workingset, EvictionAndActivationAgeTheLists) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  refault(stocked(m), kFile, 1);
  EXPECT_EQ(m.node().lruvec(host::kRootCgroup).nonresident_age, 2);
}

TEST(Cost, OldCostsAreHalvedBeyondAQuarterOfTheLists) {
  Machine m(HostBuilder().plain_node(20000_pages).build(), Kswapd::kAbsent);
  const host::Lruvec& root = stocked(m).node().lruvec(host::kRootCgroup);  // 1234 pages: a quarter is 308
  lru_note_cost(m.node(), host::kRootCgroup, true, 100);
  lru_note_cost(m.node(), host::kRootCgroup, false, 208);
  EXPECT_EQ(root.file_cost, 100);
  EXPECT_EQ(root.anon_cost, 208);
  lru_note_cost(m.node(), host::kRootCgroup, false, 1);
  EXPECT_EQ(root.file_cost, 50);
  EXPECT_EQ(root.anon_cost, 104);
}

// A group of 2 MiB reads a file through, once.
struct Streamed {
  explicit Streamed(int64_t pages) : m(HostBuilder().plain_node(20000_pages).limit(2_MiB).build(), Kswapd::kAbsent) {
    m.host.files.emplace_back();
    m.host.files[0].size_pages = pages;
    for (int64_t at = 0; at < pages; at += 32) read(at, 32);
  }
  ~Streamed() { EXPECT_EQ(m.audit(), std::vector<std::string>{}); }
  void read(int64_t first, int64_t pages) {
    m.run([&] {
      file_read(m.k, 0, static_cast<uint64_t>(first) * 4096, static_cast<uint64_t>(pages) * 4096, m.host.app_cgroup);
    });
  }
  int64_t refaults_of(int64_t page) {
    const int64_t before = m.host.vmstat[Vmstat::workingset_refault_file];
    read(page, 1);
    return m.host.vmstat[Vmstat::workingset_refault_file] - before;
  }
  int64_t shadow_nodes() { return m.node().lruvecs[m.host.app_cgroup].shadow_nodes; }
  Machine m;
};

TEST(ShadowNodes, AnEighthOfTheGroupsPagesIsKept) {
  Streamed s(10000);  // 157 nodes; 64 may stay, and of the others a half is less than the shrinker's batch
  EXPECT_EQ(s.m.host.vmstat[Vmstat::workingset_nodereclaim], 0);
  EXPECT_GT(s.shadow_nodes(), 140);
  EXPECT_EQ(s.m.host.vmstat[Vmstat::workingset_nodes], s.shadow_nodes());
  EXPECT_GT(s.refaults_of(0), 0);
}

TEST(ShadowNodes, BeyondThatTheOldestAreFreedAndWhatTheyKnewIsForgotten) {
  Streamed s(60000);  // 938 nodes
  EXPECT_GE(s.m.host.vmstat[Vmstat::workingset_nodereclaim], 5 * 128);
  EXPECT_EQ(s.m.host.cgroups[s.m.host.app_cgroup].stat[Vmstat::workingset_nodereclaim],
            s.m.host.vmstat[Vmstat::workingset_nodereclaim]);
  EXPECT_LT(s.shadow_nodes(), 64 + 256);
  EXPECT_EQ(s.refaults_of(0), 0);
  EXPECT_EQ(s.refaults_of(59000), 1);
}

}  // namespace
}  // namespace oomcast::mm
