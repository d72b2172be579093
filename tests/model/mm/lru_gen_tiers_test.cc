// Refault rates decide which type is evicted, and which tiers are protected.
#include "model/mm/lru_gen_tiers.h"

#include <gtest/gtest.h>

namespace oomcast::mm {
namespace {

using host::kGenAnon;
using host::kGenFile;
using host::LruGen;

LruGen evicted(int64_t anon, int64_t file) {
  LruGen gens;
  gens.evicted[kGenAnon][0] = anon;
  gens.evicted[kGenFile][0] = file;
  return gens;
}

TEST(TypeToScan, WithoutRefaultsFilesGo) {
  EXPECT_EQ(get_type_to_scan(evicted(0, 0), 60).type, kGenFile);
  EXPECT_EQ(get_type_to_scan(evicted(1000, 100000), 60).type, kGenFile);
}

TEST(TypeToScan, FewerThan64RefaultsDoNotCount) {
  LruGen gens = evicted(0, 64);
  gens.refaulted[kGenFile][0] = 63;
  EXPECT_EQ(get_type_to_scan(gens, 60).type, kGenFile);
  gens.refaulted[kGenFile][0] = 64;
  EXPECT_EQ(get_type_to_scan(gens, 60).type, kGenAnon) << "64 * (0 + 64) * 60 > 1 * 64 * 140";
}

TEST(TypeToScan, SwappinessWeighsTheRefaultRates) {
  LruGen gens = evicted(1000, 1000);
  gens.refaulted[kGenAnon][0] = 300;
  gens.refaulted[kGenFile][0] = 500;
  // 500 * (1000 + 64) * swappiness <= 301 * 1000 * (200 - swappiness) holds up to 72.
  EXPECT_EQ(get_type_to_scan(gens, 72).type, kGenFile);
  EXPECT_EQ(get_type_to_scan(gens, 73).type, kGenAnon);
}

TEST(Tiers, ATierThatRefaultsTwiceAsOftenAsTheFirstIsProtectedWithThoseAbove) {
  LruGen gens = evicted(0, 1000);
  gens.refaulted[kGenFile][0] = 100;
  gens.evicted[kGenFile][1] = 1000;
  gens.refaulted[kGenFile][1] = 189;
  EXPECT_EQ(get_tier_idx(gens, kGenFile), 3u) << "189 * (1000 + 64) * 1 <= 101 * 1000 * 2";
  gens.refaulted[kGenFile][1] = 200;
  EXPECT_EQ(get_tier_idx(gens, kGenFile), 0u);
}

TEST(Tiers, WhatWasProtectedCountsAsMuchAsWhatWasEvicted) {
  LruGen gens = evicted(0, 1000);
  gens.refaulted[kGenFile][0] = 100;
  gens.refaulted[kGenFile][2] = 200;
  gens.evicted[kGenFile][2] = 100;
  EXPECT_EQ(get_tier_idx(gens, kGenFile), 1u);
  gens.protected_pages[kGenFile][1] = 1900;
  EXPECT_EQ(get_tier_idx(gens, kGenFile), 3u);
}

TEST(Tiers, TheTiersOfTheChosenTypeAreHeldAgainstTheOtherTypesFirst) {
  LruGen gens = evicted(1000, 1000);
  gens.refaulted[kGenFile][1] = 100;
  gens.evicted[kGenFile][1] = 100;
  const TypeAndTier choice = get_type_to_scan(gens, 100);
  EXPECT_EQ(choice.type, kGenFile);
  EXPECT_EQ(choice.tier, 0u);
}

TEST(CarryOver, EachGenerationHalvesWhatThePastSays) {
  LruGen gens = evicted(0, 1000);
  gens.refaulted[kGenFile][0] = 500;
  gens.protected_pages[kGenFile][0] = 40;
  gens.evicted[kGenFile][1] = 20;
  carry_over(gens, kGenFile);
  EXPECT_EQ(gens.avg_refaulted[kGenFile][0], 250);
  EXPECT_EQ(gens.avg_total[kGenFile][0], 500);
  EXPECT_EQ(gens.avg_total[kGenFile][1], 30);
  EXPECT_EQ(gens.refaulted[kGenFile][0] + gens.evicted[kGenFile][0] + gens.protected_pages[kGenFile][0], 0);
  carry_over(gens, kGenFile);
  EXPECT_EQ(gens.avg_refaulted[kGenFile][0], 125);
  EXPECT_EQ(gens.avg_total[kGenFile][0], 250);
}

}  // namespace
}  // namespace oomcast::mm
