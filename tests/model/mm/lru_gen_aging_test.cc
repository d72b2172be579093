// Aging opens and drops generations, and walks page tables for accessed bits where many are likely.
#include <gtest/gtest.h>

#include "model/mm/lru.h"
#include "model/mm/lru_gen.h"
#include "model/mm/page_alloc.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::kGenAnon;
using host::kGenFile;
using host::LruKindIndex;
using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

HostBuilder multi_gen() { return HostBuilder().kernel(6, 12).multi_gen().plain_node(20000_pages).swap(64_MiB); }
host::LruGen& gens(Machine& m) { return *m.node().lruvec(host::kRootCgroup).gens; }

bool age(Machine& m, bool can_swap = true) {
  bool aged = false;
  m.run([&] {
    ScanControl sc;
    lru_add_drain(m.k, 0);
    aged = try_to_inc_max_seq(m.k, 0, host::kRootCgroup, gens(m).max_seq, can_swap, sc);
  });
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
  return aged;
}
// Nothing stands in the two oldest generations: as after a while of eviction.
void begin_with_two_generations(Machine& m) { gens(m).min_seq = {2, 2}; }

TEST(Aging, TheWalkClearsAccessedBitsAndKeepsThePagesYoungest) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  begin_with_two_generations(m);
  const auto app = m.start(100);
  m.touch(app, 0, 100);
  ASSERT_TRUE(age(m));
  EXPECT_EQ(gens(m).max_seq, 4u);
  EXPECT_FALSE(m.page(app, 0).has(host::kPageYoung));
  EXPECT_EQ(gens(m).size_of_generation(3, kGenAnon), 100) << "the second youngest now";
  EXPECT_EQ(m.log.watches.size(), 100u) << "the recorder is asked to report the next use";
}

TEST(Aging, WhatIsUsedBetweenTwoWalksIsPromoted) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  begin_with_two_generations(m);
  const auto app = m.start(100);
  m.touch(app, 0, 512);
  age(m);
  m.read(app, 0, 200);
  age(m);
  EXPECT_EQ(gens(m).size_of_generation(host::gen_of_seq(4), kGenAnon), 200);
  EXPECT_EQ(gens(m).size_of_generation(host::gen_of_seq(3), kGenAnon), 312);
  EXPECT_EQ(m.list(LruKindIndex::kInactiveAnon), 312);
}

TEST(Aging, APageTableWithFewYoungEntriesIsNotWalkedAgain) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  begin_with_two_generations(m);
  const auto app = m.start(100);
  m.touch(app, 0, 512);
  m.touch(app, 512, 63);  // an eighth of 512 entries would be 64
  age(m);
  m.read(app, 0, 100);
  m.read(app, 512, 63);
  age(m);
  EXPECT_FALSE(m.page(app, 0).has(host::kPageYoung));
  EXPECT_TRUE(m.page(app, 512).has(host::kPageYoung)) << "the filter left it out";
}

TEST(Aging, EvictionThatFindsYoungPagesBringsTheTableBack) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  begin_with_two_generations(m);
  const auto app = m.start(100);
  m.touch(app, 0, 63);
  age(m);
  age(m);
  m.read(app, 0, 63);
  m.run([&] { lru_gen_look_around(m.k, m.process(app).space.get(10).page(), true); });
  EXPECT_FALSE(m.page(app, 62).has(host::kPageYoung));
  EXPECT_EQ(gens(m).size_of_generation(host::gen_of_seq(gens(m).max_seq), kGenAnon), 62)
      << "the page itself is isolated at that time";
  m.read(app, 0, 63);
  age(m);
  EXPECT_FALSE(m.page(app, 0).has(host::kPageYoung)) << "the next walk visits it";
}

TEST(Aging, LookingAroundEndsAt64Entries) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  const auto app = m.start(100);
  m.touch(app, 0, 200);
  int young = 0;
  m.run([&] {
    lru_add_drain(m.k, 0);
    young = lru_gen_look_around(m.k, m.process(app).space.get(100).page(), true);
  });
  EXPECT_EQ(young, 1);
  EXPECT_TRUE(m.page(app, 67).has(host::kPageYoung));
  EXPECT_FALSE(m.page(app, 68).has(host::kPageYoung));
  EXPECT_FALSE(m.page(app, 131).has(host::kPageYoung));
  EXPECT_TRUE(m.page(app, 132).has(host::kPageYoung));
}

TEST(Aging, WithoutTheWalkOnlyTheNumberGrows) {
  host::HostSpec spec = multi_gen().build();
  spec.lru_gen_mm_walk = false;
  Machine m(spec, Kswapd::kAbsent);
  begin_with_two_generations(m);
  const auto app = m.start(100);
  m.touch(app, 0, 100);
  ASSERT_TRUE(age(m));
  EXPECT_TRUE(m.page(app, 0).has(host::kPageYoung));
}

TEST(Aging, AnonymousPagesThatCannotGoAreLeftAlone) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  begin_with_two_generations(m);
  const auto app = m.start(100);
  m.touch(app, 0, 100);
  age(m, false);
  EXPECT_TRUE(m.page(app, 0).has(host::kPageYoung));
}

TEST(Aging, TheOldestOfFourGenerationsMovesUp) {
  Machine m(HostBuilder().kernel(6, 12).multi_gen().plain_node(20000_pages).page_cache(300_pages).swap(64_MiB).build(),
            Kswapd::kAbsent);
  age(m);
  EXPECT_EQ(gens(m).min_seq[kGenFile], 1u);
  age(m);
  EXPECT_EQ(gens(m).min_seq[kGenFile], 2u);
  EXPECT_EQ(gens(m).size_of_generation(2, kGenFile), 300) << "what was in generation 1";
}

TEST(Aging, AProcessThatHasNotRunSinceTheLastWalkIsLeftOut) {
  Machine m(multi_gen().build(), Kswapd::kAbsent);
  begin_with_two_generations(m);
  const auto app = m.start(100);
  m.touch(app, 0, 512);
  age(m);
  const auto use_without_a_switch = [&] { m.host.pages[m.process(app).space.get(0).page()].set(host::kPageYoung); };
  use_without_a_switch();
  EXPECT_TRUE(age(m)) << "the round ends all the same";
  EXPECT_TRUE(m.page(app, 0).has(host::kPageYoung));
  m.process(app).switched_to();
  age(m);
  EXPECT_FALSE(m.page(app, 0).has(host::kPageYoung));
}

// One reclaimer walks a process of two gigabytes; another one finds no process to walk and opens the next generation.
class OvertakenWalk : public testing::Test {
 protected:
  static constexpr uint64_t kSecondGigabyte = 512 * 512;

  OvertakenWalk() : m(multi_gen().cpus(2).build(), Kswapd::kAbsent) {
    begin_with_two_generations(m);
    m.k.costs.walk_pte = Nanoseconds(1'000'000);
    app = m.start(100);
    m.touch(app, 0, 2000);
    m.touch(app, kSecondGigabyte, 100);
    m.lru_drain();
    bool second = false;
    const auto walker = m.begin([&] { first = age_once(); });
    m.run([&] { second = age_once(); });
    EXPECT_TRUE(second);
    EXPECT_EQ(gens(m).max_seq, 4u);
    m.finish(walker);
  }
  bool age_once() {
    ScanControl sc;
    return try_to_inc_max_seq(m.k, 0, host::kRootCgroup, 3, true, sc);
  }

  Machine m;
  host::ProcessIndex app{};
  bool first = true;
};

TEST_F(OvertakenWalk, OpensNoGenerationOfItsOwn) {
  EXPECT_FALSE(first);
  EXPECT_EQ(gens(m).max_seq, 4u);
}

TEST_F(OvertakenWalk, GoesOnToTheEndOfItsGigabyteAndPutsThePagesIntoTheNewGeneration) {
  EXPECT_FALSE(m.page(app, 0).has(host::kPageYoung));
  EXPECT_FALSE(m.page(app, 1999).has(host::kPageYoung));
  const size_t youngest = host::gen_of_seq(4);
  EXPECT_EQ(gens(m).size_of_generation(youngest, kGenAnon), 2000 - 512) << "all but the table walked before";
}

TEST_F(OvertakenWalk, IsGivenUpBetweenGigabytes) { EXPECT_TRUE(m.page(app, kSecondGigabyte).has(host::kPageYoung)); }

TEST(MinSeq, EmptyGenerationsAreGivenUpButForTwo) {
  host::LruGen fresh;
  EXPECT_TRUE(try_to_inc_min_seq(fresh, true));
  EXPECT_EQ(fresh.min_seq[kGenAnon], 2u);
  EXPECT_EQ(fresh.min_seq[kGenFile], 2u);
  EXPECT_FALSE(try_to_inc_min_seq(fresh, true));
}

TEST(MinSeq, AnonymousPagesAreNeverYoungerThanFiles) {
  host::LruGen gens;
  gens.lists[1][kGenFile][host::ZoneKind::kDma32].reservoir.add({host::kNoProcess, host::ZoneKind::kDma32, 5});
  EXPECT_TRUE(try_to_inc_min_seq(gens, true));
  EXPECT_EQ(gens.min_seq[kGenAnon], 1u) << "although its generation 1 is empty";
  EXPECT_EQ(gens.min_seq[kGenFile], 1u);
}

TEST(InitialPriority, ComesFromWhatIsInactive) {
  Machine m(HostBuilder().kernel(6, 12).multi_gen().plain_node(300000_pages).page_cache(100000_pages).build(),
            Kswapd::kAbsent);
  ScanControl sc;
  sc.nr_to_reclaim = 1000;
  set_initial_priority(m.k, m.node(), sc);
  EXPECT_EQ(sc.priority, 6) << "fls(100000) - 1 - fls(999) = 6";
  sc.priority = kDefPriority;
  sc.nr_to_reclaim = 100;
  set_initial_priority(m.k, m.node(), sc);
  EXPECT_EQ(sc.priority, 9);
  sc.priority = kDefPriority;
  sc.nr_to_reclaim = 32;
  set_initial_priority(m.k, m.node(), sc);
  EXPECT_EQ(sc.priority, kDefPriority) << "a task's own reclaim begins gently";
}

TEST(MinTtl, KswapdKillsWhenEveryGenerationIsTooYoung) {
  Machine m(multi_gen().set("vm.lru_gen_min_ttl_ms", 1000).build(), Kswapd::kAbsent);
  begin_with_two_generations(m);
  const auto app = m.start(100);
  m.touch(app, 0, 8000);
  const auto age_node_with_oldest = [&](uint64_t seq) {
    gens(m).min_seq = {seq, seq};
    m.run([&] {
      ScanControl sc;
      sc.by_kswapd = true;
      lru_gen_age_node(m.k, 0, sc);
    });
  };
  age(m);
  m.read(app, 0, 8000);
  age(m);
  m.pass(1100_ms);
  age_node_with_oldest(4);
  EXPECT_EQ(m.count(Vmstat::oom_kill), 0);
  for (int i = 0; i < 2; ++i) {
    m.read(app, 0, 8000);
    age(m);
  }
  age_node_with_oldest(6);
  EXPECT_EQ(m.count(Vmstat::oom_kill), 1);
}

}  // namespace
}  // namespace oomcast::mm
