// What fork() costs on the target: what it promises again, and memory that parent and child have in swap together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "model/sim/simulation.h"
#include "tests/support/host_builder.h"
#include "tests/support/program.h"

namespace oomcast::sim {
namespace {

using host::Vmstat;
using mm::RefusedBy;
using support::HostBuilder;
using support::Program;
using testing::HasSubstr;
using namespace oomcast::literals;

constexpr uint8_t kNothing = trace::kPrivate | trace::kAnonymous;  // PROT_NONE
constexpr uint8_t kShared = trace::kAnonymous | trace::kWritable;

// 40000 pages of RAM; in mode 2 half of them may be promised.
HostBuilder mode(int overcommit) {
  return HostBuilder()
      .plain_node(40000_pages)
      .set("vm.overcommit_memory", overcommit)
      .set("vm.admin_reserve_kbytes", 0)
      .set("vm.user_reserve_kbytes", 0);
}

Outcome forks(const host::HostSpec& host, const std::function<void(Program&)>& prepare) {
  Simulation s(host, {});
  Program p(s, 100, "server");
  prepare(p);
  Program child = p.fork(200);
  child.touch(0, 500);
  child.exit();
  return s.finish();
}

TEST(Fork, IsRefusedWhereItsCopyExceedsTheCommitLimit) {
  const auto database = [](Program& p) {
    p.map(0, 12'000);
    p.touch(0, 100);
  };
  const Outcome refused = forks(mode(2).build(), database);
  EXPECT_EQ(refused.verdict, Verdict::kAllocRefused);
  ASSERT_TRUE(refused.alloc_refused);
  EXPECT_EQ(refused.alloc_refused->pid, 100);
  ASSERT_TRUE(refused.alloc_refused->refusal);
  EXPECT_TRUE(refused.alloc_refused->refusal->fork);
  EXPECT_EQ(refused.alloc_refused->refusal->by, RefusedBy::kCommitLimit);
  EXPECT_EQ(refused.alloc_refused->refusal->parent_committed, Pages(12'000));
  EXPECT_EQ(refused.app.touched, to_bytes(100_pages)) << "there is no child, so what it does is left out";
  EXPECT_TRUE(refused.diverged);
  for (const int lenient : {0, 1}) {
    const Outcome granted = forks(mode(lenient).build(), database);
    EXPECT_EQ(granted.verdict, Verdict::kFits) << "mode " << lenient;
    EXPECT_EQ(granted.app.committed_peak, to_bytes(24'000_pages));
  }
}

TEST(Fork, TheHeuristicLooksAtOneMappingAtATime) {
  const auto grown = [](uint64_t step) {
    return [step](Program& p) {
      p.map(0, 60'000, kNothing);
      for (uint64_t at = 0; at < 45'000; at += step) p.protect(at, step, true);
    };
  };
  EXPECT_TRUE(forks(mode(0).build(), grown(15'000)).alloc_refused.value().refusal.value().fork)
      << "three steps have become one mapping of 45,000 pages";
  const Outcome apart = forks(mode(0).build(), [](Program& p) {
    for (uint64_t at = 0; at < 4; ++at) p.map(at * 20'000, 15'000);
  });
  EXPECT_FALSE(apart.alloc_refused) << "more in all, but in four mappings";
}

TEST(Fork, SharedMemoryIsPromisedOnce) {
  const Outcome outcome = forks(mode(2).build(), [](Program& p) { p.map(0, 12'000, kShared); });
  EXPECT_FALSE(outcome.alloc_refused);
  EXPECT_EQ(outcome.app.committed_peak, to_bytes(12'000_pages));
}

TEST(Fork, OfAProcessThatTheModelKilledBringsNobodyToLife) {
  Simulation s(HostBuilder().plain_node(8000_pages).set("vm.overcommit_memory", 1).build(), {});
  Program p(s, 100);
  p.map(0, 20'000);
  p.touch(0, 10'000);  // killed
  Program child = p.fork(200);
  child.map(0, 20'000);
  child.touch(0, 10'000);
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.oom_kills.size(), 1u);
}

TEST(Commit, CountsWhatMayBeWrittenAndNotWhatIsOnlyReserved) {
  const auto maps = [](int overcommit, uint8_t flags) {
    Simulation s(mode(overcommit).build(), {});
    Program p(s, 100);
    p.map(0, uint64_t{1} << 31, flags);  // 8 TiB
    return s.finish();
  };
  const uint8_t unreserved = trace::kPrivate | trace::kAnonymous | trace::kWritable | trace::kNoReserve;
  for (const int lenient : {0, 1}) {
    const Outcome outcome = maps(lenient, unreserved);
    EXPECT_FALSE(outcome.alloc_refused) << "mode " << lenient;
    EXPECT_EQ(outcome.app.committed_peak, Bytes(0));
    EXPECT_GE(outcome.app.mapped_peak, Bytes(int64_t{8} << 40));
  }
  EXPECT_TRUE(maps(2, unreserved).alloc_refused) << "mode 2 does not know MAP_NORESERVE";
  EXPECT_FALSE(maps(2, kNothing).alloc_refused) << "what cannot be written is no promise";
}

TEST(Commit, MakingAPrivateFileMappingWritableIsAPromiseMakingASharedOneIsNot) {
  for (const bool is_private : {true, false}) {
    Simulation s(mode(2).build(), {});
    Program p(s, 100);
    p.map_file(0, 30'000, 1, is_private ? uint8_t{trace::kPrivate} : uint8_t{0});
    p.protect(0, 30'000, true);
    EXPECT_EQ(s.finish().alloc_refused.has_value(), is_private);
  }
}

// Parent and child have 3,750 pages in common; with what the parent adds they do not fit into 6,000.
class InSwapTogether : public testing::Test {
 protected:
  static Options audited() {
    Options options;
    options.audit = true;
    return options;
  }
  Simulation s{HostBuilder().plain_node(6000_pages).swap(to_bytes(20'000_pages)).build(), audited()};
  Program parent{s, 100};
  Program child = begin();

  Program begin() {
    parent.window(64).map(0, 20'000);
    parent.touch(0, 3750);
    return parent.fork(200).window(64);
  }
  Outcome finish() {
    Outcome outcome = s.finish();
    EXPECT_THAT(outcome.audit_faults, testing::IsEmpty());
    EXPECT_TRUE(outcome.oom_kills.empty());
    return outcome;
  }
};

TEST_F(InSwapTogether, APageThatBothReadIsHeldOnce) {
  child.read(0, 3750);
  parent.touch(3750, 4000);
  for (int round = 0; round < 3; ++round) {
    parent.read(0, 3750);
    child.read(0, 3750);
  }
  const Outcome outcome = finish();
  EXPECT_GT(outcome.counters[Vmstat::pswpin], 1000);
  EXPECT_EQ(outcome.app.footprint_peak, to_bytes(7750_pages)) << "resident or swapped out, each page once";
}

TEST_F(InSwapTogether, AWriteToAPageThatTheOtherHasInSwapMakesACopy) {
  parent.touch(3750, 4000);
  parent.touch(0, 3750);
  const Outcome outcome = finish();
  EXPECT_EQ(outcome.app.footprint_peak, to_bytes(Pages(7750 + 3750))) << "the child keeps what was there at the fork";
}

}  // namespace
}  // namespace oomcast::sim
