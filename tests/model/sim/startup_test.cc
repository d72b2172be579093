// What runs on the host before the program does is part of the forecast: khugepaged.
#include <gtest/gtest.h>

#include "model/sim/simulation.h"
#include "tests/support/host_builder.h"
#include "tests/support/program.h"

namespace oomcast::sim {
namespace {

using host::ThpMode;
using support::HostBuilder;
using support::Program;
using namespace oomcast::literals;

constexpr uint64_t kHuge = 512, kRanges = 8;

// Touches one page of each of eight ranges that may not be huge, allows huge pages, and sleeps.
Outcome after_sleep(Nanoseconds sleep) {
  Options options;
  options.audit = true;
  Simulation simulation(HostBuilder().plain_node(20000_pages).huge_pages(ThpMode::kAlways).build(), options);
  Program p(simulation, 100);
  p.map(0, kRanges * kHuge);
  p.advise_huge(0, kRanges * kHuge, false);
  for (uint64_t range = 0; range < kRanges; ++range) p.touch(range * kHuge, 1);
  p.advise_huge(0, kRanges * kHuge, true);
  p.sleep(sleep);
  return simulation.finish();
}

TEST(Startup, KhugepagedComesEveryTenSecondsAndTheFootprintGrows) {
  const Outcome before = after_sleep(9_s), after = after_sleep(11_s);
  EXPECT_EQ(before.counters[host::Vmstat::thp_collapse_alloc], 0);
  EXPECT_EQ(after.counters[host::Vmstat::thp_collapse_alloc], 8);
  EXPECT_EQ(before.app.footprint_peak, to_bytes(8_pages));
  EXPECT_EQ(after.app.footprint_peak, to_bytes(Pages(kRanges * kHuge)));
  EXPECT_EQ(after.app.touched, to_bytes(8_pages));
  EXPECT_TRUE(after.audit_faults.empty());
}

}  // namespace
}  // namespace oomcast::sim
