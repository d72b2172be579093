// The way in which a page comes into memory decides its generation; uses through descriptors decide its tier.
#include "model/mm/lru_gen.h"

#include <gtest/gtest.h>

#include "model/mm/lru.h"
#include "model/mm/page_alloc.h"
#include "model/mm/page_cache.h"
#include "model/mm/workingset.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::LruKindIndex;
using host::Page;
using host::PageId;
using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

HostBuilder multi_gen() { return HostBuilder().kernel(6, 12).multi_gen().plain_node(20000_pages).swap(64_MiB); }
host::LruGen& gens(Machine& m) { return *m.node().lruvec(host::kRootCgroup).gens; }

PageId add_page(Machine& m, uint16_t flags, bool reclaiming = false) {
  PageId id = host::kNoPage;
  m.run([&] {
    id = new_page(m.k, alloc_page(m.k, kGfpHighUserMovable, 0), flags);
    lru_gen_add(m.k, id, reclaiming);
  });
  return id;
}
// How many generations younger than the oldest of its type.
uint64_t age(Machine& m, PageId id) {
  const Page& page = m.host.pages[id];
  return (static_cast<uint64_t>(page.list) - gens(m).min_seq[host::gen_type(page)]) % host::kGenerations;
}

TEST(Placement, WhatWasFaultedInIsYoungest) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 31);
  EXPECT_EQ(gens(m).size_of_generation(3, host::kGenAnon), 31);
  EXPECT_EQ(m.list(LruKindIndex::kActiveAnon), 31);
  EXPECT_FALSE(m.page(app, 0).has(host::kPageActive)) << "PG_active is only set on the way to a list";
}

TEST(Placement, WhatWasReadIsSecondOldest) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  EXPECT_EQ(age(m, add_page(m, host::kPageFile)), 1u);
  EXPECT_EQ(m.list(LruKindIndex::kInactiveFile), 1);
}

TEST(Placement, WithFewGenerationsWhatWasReadIsOldest) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  gens(m).min_seq = {1, 1};
  EXPECT_EQ(age(m, add_page(m, host::kPageFile)), 0u);
}

TEST(Placement, WhatWasWrittenToSwapGoesFirst) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  const uint16_t in_swap_cache = host::kPageSwapBacked | host::kPageSwapCache;
  EXPECT_EQ(age(m, add_page(m, in_swap_cache, true)), 0u);
  EXPECT_EQ(age(m, add_page(m, in_swap_cache | host::kPageReclaim | host::kPageWriteback)), 2u)
      << "while it is being written, no pass meets it";
}

TEST(Placement, ALazilyFreedPageIsAFilePage) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 31);
  m.run([&] { lazyfree_range(m.k, app, 0, 31); });
  EXPECT_EQ(m.list(LruKindIndex::kInactiveFile), 31);
  EXPECT_EQ(m.list(LruKindIndex::kActiveAnon), 0);
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST(Placement, WhatStoodThereBeforeTheRunIsInTwoGenerations) {
  Machine m(HostBuilder().kernel(6, 12).multi_gen().plain_node(20000_pages).page_cache(300_pages, 100_pages).build(),
            Kswapd::kAbsent);
  EXPECT_EQ(m.list(LruKindIndex::kInactiveFile), 300);
  EXPECT_EQ(m.list(LruKindIndex::kActiveFile), 100);
  EXPECT_EQ(gens(m).size_of_generation(1, host::kGenFile), 300);
  EXPECT_EQ(gens(m).size_of_generation(3, host::kGenFile), 100);
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST(Uses, TwoAreFreeFurtherOnesMakeTiers) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  const PageId id = add_page(m, host::kPageFile);
  const size_t tiers[] = {0, 1, 2, 2, 3, 3};
  for (const size_t tier : tiers) {
    m.run([&] { mark_accessed(m.k, id); });
    EXPECT_EQ(lru_gen_tier(lru_gen_refs(m.host.pages[id])), tier);
  }
  EXPECT_EQ(age(m, id), 1u) << "uses through a descriptor do not move a page";
}

TEST(Uses, APromotionClearsTheirCount) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  const PageId id = add_page(m, host::kPageFile | host::kPageReferenced | host::kPageWorkingset);
  m.host.pages[id].refs = 2;
  lru_gen_update_gen(m.node().lruvec(host::kRootCgroup), m.host.pages[id], 3);
  EXPECT_EQ(lru_gen_refs(m.host.pages[id]), 0);
  EXPECT_EQ(m.list(LruKindIndex::kActiveFile), 1) << "it counts in the new generation at once";
  EXPECT_EQ(gens(m).lists[1][host::kGenFile][host::ZoneKind::kDma32].head, id)
      << "but it stays linked in the list of the old one";
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST(Promotion, AnIsolatedPageIsOnlyMarked) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  const PageId id = add_page(m, host::kPageSwapBacked);
  lru_gen_del(m.k, id);
  lru_gen_update_gen(m.node().lruvec(host::kRootCgroup), m.host.pages[id], 3);
  EXPECT_TRUE(m.host.pages[id].has(host::kPageReferenced));
  EXPECT_EQ(m.host.pages[id].list, LruKindIndex::kNone);
}

// Evicts a page, does something, and brings it back, in a fault or not.
void refault(
    Machine& m, uint16_t flags, bool in_fault, const std::function<void()>& between = [] {}) {
  m.run([&] {
    const PageId id = new_page(m.k, alloc_page(m.k, kGfpHighUserMovable, 0), flags);
    const host::Shadow shadow = workingset_eviction(m.k, m.host.pages[id], host::kRootCgroup);
    m.host.pages[id].clear(host::kPageWorkingset);
    between();
    m.k.sched.current().in_lru_fault = in_fault;
    workingset_refault(m.k, id, shadow);
    EXPECT_FALSE(m.host.pages[id].has(host::kPageActive)) << "the generation says whether a page is active";
  });
}

TEST(Refault, CountsForItsTierWhileItsGenerationIsEvicted) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  refault(m, host::kPageFile, false);
  refault(m, host::kPageFile | host::kPageWorkingset, false);
  EXPECT_EQ(gens(m).evicted[host::kGenFile][0], 1);
  EXPECT_EQ(gens(m).evicted[host::kGenFile][1], 1);
  EXPECT_EQ(gens(m).refaulted[host::kGenFile][0], 1);
  EXPECT_EQ(gens(m).refaulted[host::kGenFile][1], 1);
  EXPECT_EQ(m.count(Vmstat::workingset_activate_file), 2);
  EXPECT_EQ(m.count(Vmstat::workingset_restore_file), 0);
}

TEST(Refault, LaterItIsCountedButTellsNothing) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  refault(m, host::kPageFile, false, [&] { ++gens(m).min_seq[host::kGenFile]; });
  EXPECT_EQ(m.count(Vmstat::workingset_refault_file), 1);
  EXPECT_EQ(m.count(Vmstat::workingset_activate_file), 0);
  EXPECT_EQ(gens(m).refaulted[host::kGenFile][0], 0);
}

TEST(Refault, InAFaultItIsOfTheWorkingSet) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  refault(m, host::kPageSwapBacked, true);
  EXPECT_EQ(m.count(Vmstat::workingset_restore_anon), 1);
}

TEST(Refault, OnAnotherNodeItIsNone) {
  Machine m(multi_gen().plain_node(20000_pages).build(), Kswapd::kAbsent);
  m.run([&] {
    const PageId id = new_page(m.k, alloc_page(m.k, kGfpHighUserMovable, 0), host::kPageSwapBacked);
    const host::Shadow shadow = workingset_eviction(m.k, m.host.pages[id], host::kRootCgroup);
    m.host.pages[id].node_bits = 1;
    workingset_refault(m.k, id, shadow);
    m.host.pages[id].node_bits = 0;
  });
  EXPECT_EQ(m.count(Vmstat::workingset_refault_anon), 0);
}

}  // namespace
}  // namespace oomcast::mm
