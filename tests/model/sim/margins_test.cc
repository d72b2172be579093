// How far a run stayed from the verdicts beside its own, in bytes that a person can check by hand.
#include "model/sim/margins.h"

#include <gtest/gtest.h>

#include "model/sim/simulation.h"
#include "tests/support/host_builder.h"
#include "tests/support/program.h"

namespace oomcast::sim {
namespace {

using support::HostBuilder;
using support::Program;
using namespace oomcast::literals;

Outcome run(const host::HostSpec& host, uint64_t pages) {
  Simulation s(host, Options{});
  Program p(s, 100);
  p.map(0, pages);
  p.touch(0, pages);
  p.exit();
  return s.finish();
}

TEST(Margins, ARunThatFitsTellsHowMuchMoreWouldHaveWokenKswapd) {
  const host::HostSpec host = HostBuilder().node(512_MiB).build();
  const Outcome fits = run(host, 60000);
  ASSERT_EQ(fits.verdict, Verdict::kFits);
  ASSERT_TRUE(fits.next_worse.has_value());
  EXPECT_EQ(fits.next_worse->verdict, Verdict::kBackgroundReclaim);
  EXPECT_FALSE(fits.next_better.has_value());
  const auto more = static_cast<uint64_t>(to_pages(fits.next_worse->distance).count());
  EXPECT_GT(more, 1000u);
  EXPECT_FALSE(run(host, 60000 + more * 9 / 10).kswapd_wake.has_value());
  // A tenth more would be more than the host has, which overcommit refuses.
  EXPECT_TRUE(run(host, 60000 + more + 500).kswapd_wake.has_value());
}

TEST(Margins, InAGroupItsLimitIsTheNearerOne) {
  const Outcome fits = run(HostBuilder().node(256_MiB).limit(64_MiB).build(), 16000);
  ASSERT_EQ(fits.verdict, Verdict::kFits);
  ASSERT_TRUE(fits.next_worse.has_value());
  EXPECT_EQ(fits.next_worse->verdict, Verdict::kDirectReclaim);
  EXPECT_LT(fits.next_worse->distance, to_bytes(16384_pages - 16000_pages));
}

TEST(Margins, AGroupThatReclaimsTellsWhatIsLeftBeforeAKill) {
  const host::HostSpec host = HostBuilder().node(256_MiB).swap(64_MiB).limit(32_MiB).build();
  const Outcome stalls = run(host, 12000);
  ASSERT_EQ(stalls.verdict, Verdict::kDirectReclaim);
  ASSERT_TRUE(stalls.next_worse.has_value());
  EXPECT_EQ(stalls.next_worse->verdict, Verdict::kOomKill);
  const Bytes held = to_bytes(12000_pages);
  EXPECT_LT(stalls.next_worse->distance, 96_MiB - held + 1_MiB);
  ASSERT_TRUE(stalls.next_better.has_value());
  EXPECT_GT(stalls.next_better->distance, held - 33_MiB);
  EXPECT_LT(stalls.next_better->distance, held - 31_MiB);
}

TEST(Margins, AKillTellsHowMuchLessWouldHaveSparedIt) {
  const Outcome killed = run(HostBuilder().node(256_MiB).limit(32_MiB).build(), 8400);
  ASSERT_EQ(killed.verdict, Verdict::kOomKill);
  ASSERT_TRUE(killed.next_better.has_value());
  EXPECT_EQ(killed.next_better->distance, killed.need_after_kill);
  EXPECT_LT(killed.next_better->distance, 2_MiB);
}

}  // namespace
}  // namespace oomcast::sim
