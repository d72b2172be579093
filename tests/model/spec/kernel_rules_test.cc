// The dates of the kernel's rules are in order, and a rule holds from its date on.
#include "model/spec/kernel_rules.h"

#include <gtest/gtest.h>

namespace oomcast::host {
namespace {

TEST(KernelRules, EachRuleHasItsRowAndTheRowsAreInTheOrderOfTime) {
  for (size_t i = 0; i < kKernelRules.size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(kKernelRules[i].rule), i);
    if (i > 0) {
      EXPECT_GE(kKernelRules[i].since, kKernelRules[i - 1].since);
    }
  }
}

TEST(KernelRules, ARuleHoldsFromItsVersionOn) {
  EXPECT_FALSE(holds(KernelRule::kReclaimThrottle, {5, 15}));
  EXPECT_TRUE(holds(KernelRule::kReclaimThrottle, {5, 16}));
  EXPECT_TRUE(holds(KernelRule::kReclaimThrottle, {6, 1}));
  EXPECT_FALSE(holds(KernelRule::kWatermarkScale, {3, 10}));
}

TEST(KernelRules, TheMeasuredKernelsDifferWhereTheirSourcesDo) {
  const auto between = [](KernelVersion older, KernelVersion newer) {
    std::vector<KernelRule> rules;
    for (const DatedRule& dated : kKernelRules)
      if (!holds(dated.rule, older) && holds(dated.rule, newer)) rules.push_back(dated.rule);
    return rules;
  };
  EXPECT_EQ(between({5, 10}, {6, 1}),
            (std::vector{KernelRule::kStallsOnCpuAreFull, KernelRule::kPcpGivesMore, KernelRule::kReclaimThrottle,
                         KernelRule::kHighSleepsInCall, KernelRule::kMadviseCollapse, KernelRule::kLargeChargeBatch}));
}

}  // namespace
}  // namespace oomcast::host
