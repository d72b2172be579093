// The kernel grants or refuses address space. The three modes, the reserves, and the map count.
#include "model/mm/overcommit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using testing::HasSubstr;
using namespace oomcast::literals;

// 40000 pages of RAM and 10000 of swap.
HostBuilder mode(int overcommit) {
  return HostBuilder()
      .plain_node(40000_pages)
      .swap(to_bytes(10000_pages))
      .set("vm.overcommit_memory", overcommit)
      .set("vm.admin_reserve_kbytes", 0)
      .set("vm.user_reserve_kbytes", 0);
}

bool granted(const HostBuilder& builder, int64_t pages, int64_t committed = 0, const host::Process& process = {}) {
  Machine m(builder.build(), Kswapd::kAbsent);
  m.host.committed = committed;
  return !vm_enough_memory(m.k, process, pages).has_value();
}

TEST(Overcommit, ModeZeroRefusesOnlyASingleRequestBeyondRamAndSwap) {
  EXPECT_TRUE(granted(mode(0), 50000));
  EXPECT_FALSE(granted(mode(0), 50001));
  EXPECT_TRUE(granted(mode(0), 50000, 1'000'000)) << "whatever has been promised before";
}

TEST(Overcommit, ModeOneGrantsEverything) { EXPECT_TRUE(granted(mode(1), int64_t{1} << 40)); }

TEST(Overcommit, ModeTwoKeepsPromisesBelowHalfOfRamPlusSwap) {
  EXPECT_TRUE(granted(mode(2), 29999));
  EXPECT_FALSE(granted(mode(2), 30000)) << "the limit itself is not reached";
  EXPECT_TRUE(granted(mode(2), 9999, 20000));
  EXPECT_FALSE(granted(mode(2), 10000, 20000));
}

TEST(Overcommit, TheRatioAndTheAbsoluteLimitMoveTheBound) {
  EXPECT_TRUE(granted(mode(2).set("vm.overcommit_ratio", 100), 49999));
  EXPECT_FALSE(granted(mode(2).set("vm.overcommit_kbytes", 4000), 11000));
  EXPECT_TRUE(granted(mode(2).set("vm.overcommit_kbytes", 4000), 10999));
}

TEST(Overcommit, WhatIsInPoolsOfHugePagesDoesNotCount) {
  auto spec = mode(2).build();
  spec.hugetlb = 10'000_pages;
  Machine m(spec, Kswapd::kAbsent);
  EXPECT_FALSE(vm_enough_memory(m.k, {}, 24'999).has_value());
  EXPECT_TRUE(vm_enough_memory(m.k, {}, 25'000).has_value()) << "half of the other 30000, and swap";
}

TEST(Overcommit, RootMayUseTheAdministratorsReserve) {
  host::Process user;
  user.uid = 1000;
  const HostBuilder reserve = mode(2).set("vm.admin_reserve_kbytes", 4000);
  EXPECT_TRUE(granted(reserve, 29999));
  EXPECT_FALSE(granted(reserve, 29000, 0, user));
  EXPECT_TRUE(granted(reserve, 28999, 0, user));
}

TEST(Overcommit, ABigProcessLeavesAThirtySecondOfItselfToOthers) {
  host::Process big;
  big.total_vm = 3200;
  const HostBuilder reserve = mode(2).set("vm.user_reserve_kbytes", 8000);
  EXPECT_TRUE(granted(reserve, 29899, 0, big));
  EXPECT_FALSE(granted(reserve, 29900, 0, big));
  big.total_vm = 320'000;
  EXPECT_TRUE(granted(reserve, 27999, 0, big)) << "2000 pages at most";
  EXPECT_FALSE(granted(reserve, 28000, 0, big));
}

TEST(Overcommit, TooManyMappingsAreRefusedInEveryMode) {
  host::Process process;
  for (uint64_t i = 0; i < 5; ++i) process.space.map(i << 20, kPageBytes, {.accountable = true, .anonymous = true});
  Machine m(mode(1).set("vm.max_map_count", 4).build(), Kswapd::kAbsent);
  const auto refusal = too_many_mappings(m.k, process, 1);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->by, RefusedBy::kMapCount);
  EXPECT_EQ(refusal->limit, 4);
  process.space.unmap(0, kPageBytes);
  EXPECT_FALSE(too_many_mappings(m.k, process, 1).has_value());
}

TEST(Overcommit, AddressSpaceAndDataHaveTheirOwnLimits) {
  host::Process process;
  process.limit_as_pages = 100;
  process.limit_data_pages = 60;
  process.guest = true;
  process.space.map(0, 50 * kPageBytes, {.anonymous = true, .data = true});
  EXPECT_FALSE(may_expand_vm(process, 50, false).has_value());
  EXPECT_EQ(may_expand_vm(process, 51, false).value_or(Refusal{}).by, RefusedBy::kAddressSpaceLimit);
  EXPECT_FALSE(may_expand_vm(process, 10, true).has_value());
  EXPECT_EQ(may_expand_vm(process, 11, true).value_or(Refusal{}).by, RefusedBy::kDataLimit);
}

TEST(Overcommit, NeighboursOfOneKindAreOneMapping) {
  host::Process process;
  process.space.map(0, kPageBytes, {.anonymous = true});
  process.space.map(kPageBytes, kPageBytes, {.anonymous = true});
  EXPECT_EQ(process.space.mappings.size(), 1u);
  process.space.map(2 * kPageBytes, kPageBytes, {.accountable = true, .anonymous = true});
  process.space.map(3 * kPageBytes, kPageBytes, {});
  process.space.map(4 * kPageBytes, kPageBytes, {});
  EXPECT_EQ(process.space.mappings.size(), 4u) << "another kind; and files do not join";
  EXPECT_EQ(process.space.mapped_bytes, 5 * static_cast<int64_t>(kPageBytes));
}

TEST(Overcommit, ARefusalKnowsWhatWasAskedAndWhatThereIs) {
  Machine m(mode(0).build(), Kswapd::kAbsent);
  const auto refusal = vm_enough_memory(m.k, {}, 60000);
  ASSERT_TRUE(refusal.has_value());
  EXPECT_EQ(refusal->requested, Pages(60000));
  EXPECT_EQ(refusal->limit, 50000);
  EXPECT_EQ(refusal->by, RefusedBy::kRamAndSwap);
}

}  // namespace
}  // namespace oomcast::mm
