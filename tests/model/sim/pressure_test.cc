// Each cgroup has pressure of its own, and the host has all of it.
#include "model/sim/pressure.h"

#include <gtest/gtest.h>

#include "tests/support/host_builder.h"

namespace oomcast::sim {
namespace {

using namespace oomcast::literals;
using support::HostBuilder;

constexpr TaskState kIdle{}, kRuns{.running = true}, kStalls{.stalled = true};

TEST(Pressure, AGroupsStallsAreTheHostsAndThoseOfTheHostNotTheGroups) {
  const host::Host host(HostBuilder().node(64_MiB).limit(32_MiB).build());
  ASSERT_NE(host.app_cgroup, host::kRootCgroup);
  Pressure pressure(host);
  pressure.change(host.app_cgroup, 0, 0_s, kIdle, kStalls);
  pressure.change(host.app_cgroup, 0, 1_s, kStalls, kIdle);
  pressure.change(host::kRootCgroup, 0, 1_s, kIdle, kStalls);
  pressure.host().update(2_s);
  pressure.of(host.app_cgroup).update(2_s);
  EXPECT_EQ(pressure.host().some().total, 2_s);
  EXPECT_EQ(pressure.of(host.app_cgroup).some().total, 1_s);
}

TEST(Pressure, WhatWorksInAnotherGroupLeavesThisOneFullyStalled) {
  const host::Host host(HostBuilder().node(64_MiB).limit(32_MiB).build());
  Pressure pressure(host);
  pressure.change(host.app_cgroup, 0, 0_s, kIdle, kStalls);
  pressure.change(host::kRootCgroup, 0, 0_s, kIdle, kRuns);
  pressure.host().update(1_s);
  pressure.of(host.app_cgroup).update(1_s);
  EXPECT_EQ(pressure.of(host.app_cgroup).full().total, 1_s);
  EXPECT_EQ(pressure.host().full().total, 0_s);
}

}  // namespace
}  // namespace oomcast::sim
