// memory.stat of the program's group at the end: events as they were counted, amounts as they are charged.
#include "model/sim/memory_stat.h"

#include <gtest/gtest.h>

#include "model/mm/task_memory.h"
#include "model/sim/simulation.h"
#include "tests/support/host_builder.h"
#include "tests/support/program.h"

namespace oomcast::sim {
namespace {

using host::Vmstat;
using support::HostBuilder;
using support::Program;
using namespace oomcast::literals;

struct MemoryStatOfAGroup : testing::Test {
  Simulation s{HostBuilder().node(128_MiB).limit(8_MiB).build(), {}};
  Program p{s, 100};
};

TEST_F(MemoryStatOfAGroup, AmountsAreWhatTheGroupIsChargedFor) {
  p.map(0, 500);
  p.touch(0, 500);
  p.read_file(1, 0, 600);
  p.map_file(1000, 64, 2, 0);
  p.read(1000, 64);
  p.write_file(3, 0, 32);
  const MemoryStat stat = s.finish().cgroup.stat;
  EXPECT_EQ(stat.anon, 500_pages);
  EXPECT_EQ(stat.file, 696_pages);
  EXPECT_EQ(stat.file_mapped, 64_pages);
  EXPECT_EQ(stat.file_dirty, 32_pages);
  EXPECT_GE(stat.pagetables, 3_pages);
  EXPECT_EQ(stat.slab_reclaimable, Bytes(12 * 576 + 32 * 104)) << "12 tree nodes, a buffer head for each page written";
  EXPECT_EQ(stat.kernel, stat.pagetables + 3_pages + Pages(mm::kEnteredPages)) << "slab of files, and a task";
  const Pages on_lists = stat.lru.inactive_file + stat.lru.active_file;
  EXPECT_LE(on_lists, stat.file);
  EXPECT_GE(on_lists, stat.file - 15_pages) << "the rest is in a CPU's batch";
}

TEST_F(MemoryStatOfAGroup, EventsAreThoseOfItsOwnReclaimWhichVmstatHasOnlyInPart) {
  for (int pass = 0; pass < 2; ++pass) p.read_file(1, 0, 4000);
  p.map(0, 100);
  p.touch(0, 100);
  const Outcome outcome = s.finish();
  const host::VmstatArray& events = outcome.cgroup.stat.events;
  EXPECT_GT(events[Vmstat::pgscan_direct], 2000);
  EXPECT_EQ(outcome.counters[Vmstat::pgscan_direct], 0) << "the host's own";
  EXPECT_EQ(events[Vmstat::pgsteal_direct], outcome.counters[Vmstat::pgsteal_file]);
  EXPECT_EQ(events[Vmstat::workingset_refault_file], outcome.counters[Vmstat::workingset_refault_file]);
  EXPECT_GT(events[Vmstat::workingset_refault_file], 1000);
  EXPECT_EQ(events[Vmstat::pgfault], outcome.counters[Vmstat::pgfault]);
}

TEST(MemoryStatOfTheHost, IsEmptyForAProgramInNoGroup) {
  Simulation s(HostBuilder().node(128_MiB).build(), {});
  Program p(s, 100);
  p.map(0, 500);
  p.touch(0, 500);
  const MemoryStat stat = s.finish().cgroup.stat;
  EXPECT_EQ(stat.anon, 0_pages);
  EXPECT_EQ(stat.events[Vmstat::pgfault], 0);
}

TEST_F(MemoryStatOfAGroup, TheKernelTakesMemoryForEachChildAndEachThread) {
  Program child = p.fork(200);
  Program thread = Program::thread(s, 100, 101);
  thread.touch(0, 1);
  const MemoryStat stat = s.finish().cgroup.stat;
  EXPECT_EQ(stat.kernel - stat.pagetables, Pages(mm::kEnteredPages + mm::kForkedPages + mm::kThreadPages));
}

TEST_F(MemoryStatOfAGroup, AChildThatEndsGivesItsTaskMemoryBack) {
  Program child = p.fork(200);
  child.touch(0, 1);
  child.exit();
  const MemoryStat stat = s.finish().cgroup.stat;
  EXPECT_EQ(stat.kernel - stat.pagetables, Pages(mm::kEnteredPages));
}

}  // namespace
}  // namespace oomcast::sim
