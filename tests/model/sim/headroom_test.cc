// What can still be touched before a watermark or a limit bounds the recorder's windows.
#include "model/sim/headroom.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/host_builder.h"

namespace oomcast::sim {
namespace {

using support::HostBuilder;
using namespace oomcast::literals;

TEST(Headroom, IsWhatEveryNodeHasAboveItsLowWatermark) {
  host::Host machine(HostBuilder().node(64_MiB).node(64_MiB).build());
  const int64_t before = headroom_pages(machine, false);
  ASSERT_GT(before, 0);
  for (host::Zone& zone : machine.nodes[1].zones) zone.managed = 0;
  const int64_t first = headroom_pages(machine, false);
  EXPECT_LT(first, before);
  for (host::Zone& zone : machine.nodes[0].zones) zone.free = std::min(zone.free, zone.low_mark());
  EXPECT_EQ(headroom_pages(machine, false), 0);
}

TEST(Headroom, OfOneNodeIsThatOfTheFullest) {
  host::Host machine(HostBuilder().node(64_MiB).node(64_MiB).build());
  const int64_t all = headroom_pages(machine, false);
  EXPECT_LE(headroom_pages(machine, true), all / 2);
  EXPECT_GT(headroom_pages(machine, true), 0);
  for (host::Zone& zone : machine.nodes[1].zones) zone.free = 0;
  EXPECT_EQ(headroom_pages(machine, true), 0);
  EXPECT_GT(headroom_pages(machine, false), all / 3);
}

TEST(Headroom, EndsAtTheLowestLimitOfTheProgramsGroups) {
  host::Host machine(HostBuilder().node(64_MiB).build());
  machine.cgroups.resize(3);
  machine.cgroups[1].max = 2000;
  machine.cgroups[2].parent = 1;
  machine.cgroups[2].max = 4000;
  machine.cgroups[2].high = 3000;
  machine.app_cgroup = 2;
  EXPECT_EQ(headroom_pages(machine, false), 2000);
  machine.cgroups[2].usage = 2500;
  EXPECT_EQ(headroom_pages(machine, false), 500) << "memory.high of the inner one";
  machine.cgroups[1].usage = 2500;
  EXPECT_EQ(headroom_pages(machine, false), 0);
}

}  // namespace
}  // namespace oomcast::sim
