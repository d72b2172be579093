// What runs on the host before the program does is part of the forecast: khugepaged.
#include <gtest/gtest.h>

#include "model/sim/simulation.h"
#include "tests/support/host_builder.h"

namespace oomcast::sim {
namespace {

using host::ThpMode;
using support::HostBuilder;
using trace::Event;
using trace::EventKind;
using namespace oomcast::literals;

constexpr uint64_t kAddress = 1 << 30, kHuge = 2 << 20;

Event event(EventKind kind, uint64_t address, uint64_t bytes, uint8_t flags = 0) {
  Event out;
  out.kind = kind;
  out.flags = flags;
  out.pid = out.tid = 100;
  out.address = address;
  out.bytes = bytes;
  return out;
}

// Touches one page of each of eight ranges that may not be huge, allows huge pages, and sleeps.
Outcome after_sleep(ThpMode mode, Nanoseconds sleep) {
  Options options;
  options.audit = true;
  Simulation simulation(HostBuilder().plain_node(20000_pages).huge_pages(mode).build(), options);
  simulation.feed(event(EventKind::kMap, kAddress, 8 * kHuge, trace::kPrivate | trace::kAnonymous | trace::kWritable));
  simulation.feed(event(EventKind::kAdviseHuge, kAddress, 8 * kHuge));
  for (uint64_t i = 0; i < 8; ++i) simulation.feed(event(EventKind::kTouch, kAddress + i * kHuge, 4096, trace::kWrite));
  simulation.feed(event(EventKind::kAdviseHuge, kAddress, 8 * kHuge, trace::kHugePages));
  Event clock = event(EventKind::kClock, 0, 0);
  clock.wait_ns = static_cast<uint64_t>(sleep.count());
  simulation.feed(clock);
  return simulation.finish();
}

TEST(Startup, KhugepagedComesEveryTenSecondsAndTheFootprintGrows) {
  const Outcome before = after_sleep(ThpMode::kAlways, 9_s), after = after_sleep(ThpMode::kAlways, 11_s);
  EXPECT_EQ(before.counters[host::Vmstat::thp_collapse_alloc], 0);
  EXPECT_EQ(after.counters[host::Vmstat::thp_collapse_alloc], 8);
  EXPECT_EQ(before.app.footprint_peak, to_bytes(8_pages));
  EXPECT_EQ(after.app.footprint_peak, Bytes(8 * static_cast<int64_t>(kHuge)));
  EXPECT_EQ(after.app.touched, to_bytes(8_pages));
  EXPECT_TRUE(after.audit_faults.empty());
}

TEST(Startup, ThereIsNoKhugepagedWhereHugePagesAreOff) {
  EXPECT_EQ(after_sleep(ThpMode::kNever, 30_s).counters[host::Vmstat::thp_collapse_alloc], 0);
}

}  // namespace
}  // namespace oomcast::sim
