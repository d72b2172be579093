// Each event of the program changes the host: placement, huge pages, limits, files and program text.
#include "model/sim/apply_event.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/mm/task_memory.h"
#include "model/sim/simulation.h"
#include "tests/support/host_builder.h"
#include "tests/support/machine.h"
#include "tests/support/program.h"

namespace oomcast::sim {
namespace {

using host::Vmstat;
using support::HostBuilder;
using support::Program;
using testing::HasSubstr;
using trace::PolicyMode;
using namespace oomcast::literals;

HostBuilder two_nodes() { return HostBuilder().plain_node(12000_pages).plain_node(12000_pages); }

TEST(Placement, AThreadsPolicyHoldsForItAndForWhomItForksAndNotForTheOthers) {
  Simulation s(two_nodes().build(), {});
  Program p(s, 100);
  p.map(0, 10000);
  Program other = Program::thread(s, 100, 101);
  other.touch(0, 1);  // it lives before the policy is set
  p.set_policy(PolicyMode::kBind, 0b10);
  p.touch(1, 1000);
  other.touch(2000, 1000);
  Program child = p.fork(200);
  child.touch(5000, 1000);
  const Outcome outcome = s.finish();
  EXPECT_GE(outcome.counters[Vmstat::numa_other], 2000);
  EXPECT_LT(outcome.counters[Vmstat::numa_other], 2100);
}

TEST(Placement, TheProgramStartsWithThePolicyOfTheCommandLine) {
  Options options;
  options.policy_mode = host::PolicyMode::kInterleave;
  options.policy_nodes = 0b11;
  Simulation s(two_nodes().build(), options);
  Program p(s, 100);
  p.touch(0, 1000);
  EXPECT_GE(s.finish().counters[Vmstat::numa_interleave], 1000);
}

TEST(Placement, APolicyThatTheTargetCannotFollowChangesNothing) {
  Simulation s(two_nodes().build(), {});
  Program p(s, 100);
  p.set_policy(PolicyMode::kBind, 0b100);
  p.touch(0, 1000);
  EXPECT_EQ(s.finish().counters[Vmstat::numa_other], 0);
}

TEST(Placement, AThreadRunsWhereItAsksTo) {
  Simulation s(two_nodes().build(), {});
  Program p(s, 100);
  p.run_on(0b10);  // CPU 1 is on node 1
  p.touch(0, 13000);
  p.run_on(0b100);  // which the target does not have
  const Outcome outcome = s.finish();
  EXPECT_GT(outcome.counters[Vmstat::numa_local], 10000);
  EXPECT_GT(outcome.counters[Vmstat::numa_foreign], 500) << "node 1 is full first";
}

TEST(Placement, TheCommandLinesNodeIsStronger) {
  Options options;
  options.cpu_node = 0;
  Simulation s(two_nodes().build(), options);
  Program p(s, 100);
  p.run_on(0b10);
  p.set_policy(PolicyMode::kBind, 0b10);
  p.touch(0, 100);
  EXPECT_EQ(s.finish().counters[Vmstat::numa_local], mm::kEnteredPages) << "what the kernel took for it before";
}

TEST(HugePages, ComeByAdviceAndGoByAdviceOrSwitch) {
  const auto huge = [](const auto& before) {
    Simulation s(HostBuilder().plain_node(12000_pages).huge_pages(host::ThpMode::kMadvise).build(), {});
    Program p(s, 100);
    p.map(0, 2048);
    before(p);
    p.touch(0, 2048);
    return s.finish().counters[Vmstat::thp_fault_alloc];
  };
  EXPECT_EQ(huge([](Program&) {}), 0);
  EXPECT_EQ(huge([](Program& p) { p.advise_huge(0, 2048, true); }), 4);
  EXPECT_EQ(huge([](Program& p) { p.advise_huge(0, 2048, true), p.advise_huge(512, 512, false); }), 3);
  EXPECT_EQ(huge([](Program& p) { p.advise_huge(0, 2048, true), p.disable_huge(true); }), 0);
}

TEST(HugePages, FootprintGrowsByTheBlockAndTouchedBytesByWhatIsUsed) {
  Simulation s(HostBuilder().plain_node(12000_pages).huge_pages(host::ThpMode::kAlways).build(), {});
  Program p(s, 100);
  p.map(0, 4096);
  for (uint64_t page = 0; page < 4096; page += 512) p.touch(page, 1);
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.app.touched, to_bytes(8_pages));
  EXPECT_EQ(outcome.app.footprint_peak, to_bytes(4096_pages));
}

TEST(Touched, MemoryThatWasReportedBeforeIsResidentAndNotTouchedAgain) {
  Simulation s(HostBuilder().plain_node(12000_pages).build(), {});
  Program p(s, 100);
  p.map(0, 400);
  p.touch(0, 100);
  p.unmap(0, 400);
  trace::Event again;
  again.kind = trace::EventKind::kTouch;
  again.pid = again.tid = 100;
  again.address = Program::address(0);
  again.bytes = 100 << kPageShift;
  again.flags = trace::kWrite | trace::kTouchedBefore;
  s.feed(again);
  p.touch(100, 50);
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.app.touched, to_bytes(150_pages));
  EXPECT_EQ(outcome.app.processes[0].touched, to_bytes(150_pages));
  EXPECT_EQ(outcome.app.footprint_peak, to_bytes(150_pages));
}

TEST(Limits, AMappingBeyondTheProcesssOwnLimitIsRefused) {
  constexpr uint64_t kRlimitAs = 9;
  Simulation s(HostBuilder().plain_node(12000_pages).build(), {});
  Program p(s, 100);
  p.limit(kRlimitAs, (4_MiB).count());
  p.map(0, 1024);
  p.map(5000, 1);
  const Outcome outcome = s.finish();
  ASSERT_TRUE(outcome.alloc_refused.has_value());
  EXPECT_EQ(outcome.alloc_refused->refusal.value().by, mm::RefusedBy::kAddressSpaceLimit);
}

/// Pages that are read from disk when a program uses its text of 600 pages.
int64_t read_for_text(HostBuilder builder, Pages cached_files) {
  host::HostSpec host = builder.page_cache(cached_files).build();
  host.nodes[0].lru.inactive_file = cached_files;
  Simulation s(std::move(host), {});
  Program p(s, 100);
  p.map_file(0, 600, 1, trace::kPrivate | trace::kExecutable, trace::kProgram);
  p.read(0, 600);
  const Outcome outcome = s.finish();
  EXPECT_EQ(outcome.app.footprint_peak, Bytes(0)) << "text is no memory of the program's own";
  return outcome.counters[Vmstat::pgpgin] / 4;
}

TEST(ProgramText, IsReadFromTheDiskThatTheHostWasStartedFrom) {
  EXPECT_EQ(read_for_text(HostBuilder().plain_node(12000_pages), 700_pages), 600);
}

TEST(ProgramText, TakesNothingOnAHostWithItsRootInMemory) {
  EXPECT_EQ(read_for_text(HostBuilder().plain_node(12000_pages), 0_pages), 0);
}

TEST(ProgramText, ThatTheHostHasCachedIsNotRead) {
  EXPECT_EQ(read_for_text(HostBuilder().plain_node(12000_pages).caches(1, 600_pages), 700_pages), 0);
}

// 20,000 files of a page each, on a host whose page cache holds a part of them.
TEST(Files, OfWhichNothingIsCachedAreForgotten) {
  support::Machine m(HostBuilder().plain_node(3000_pages).build());
  const Options options;
  EventApplier applier(m.k, options);
  const host::ProcessIndex app = applier.process_of(100, 0);
  const auto read = [&](uint64_t file) {
    trace::Event event;
    event.kind = trace::EventKind::kFileRead;
    event.pid = event.tid = 100;
    event.address = file;
    event.bytes = kPageBytes;
    m.run([&] { applier.apply(event, app); });
  };
  for (uint64_t file = 1; file <= 20'000; ++file) read(file);
  EXPECT_LT(m.host.files.size(), 8000u);
  const int64_t before = m.count(Vmstat::pgpgin);
  read(1);
  EXPECT_GT(m.count(Vmstat::pgpgin), before) << "it is read anew";
  EXPECT_THAT(m.audit(), testing::IsEmpty());
}

TEST(Refused, TouchesOfAMappingThatWasRefusedAreLeftOutHoweverLargeItIs) {
  constexpr uint64_t kPetabyte = uint64_t{1} << 38;
  Simulation s(HostBuilder().plain_node(12000_pages).build(), {});
  Program p(s, 100);
  p.map(0, kPetabyte);
  p.window(kPetabyte).touch(0, kPetabyte);
  p.map(kPetabyte, 100);
  p.window(100).touch(kPetabyte - 50, 100);  // into the next mapping, which was granted
  const Outcome outcome = s.finish();
  ASSERT_TRUE(outcome.alloc_refused.has_value());
  EXPECT_EQ(outcome.app.touched, to_bytes(50_pages));
}

}  // namespace
}  // namespace oomcast::sim
