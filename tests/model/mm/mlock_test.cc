// Locked memory stays, unlocked memory goes. mlock(), munlock(), mlockall(), fork() and exec(), with either LRU.
#include "model/mm/mlock.h"

#include <gtest/gtest.h>

#include "model/mm/fault.h"
#include "model/mm/page_cache.h"
#include "model/mm/shmem.h"
#include "model/sim/simulation.h"
#include "tests/support/machine.h"
#include "tests/support/program.h"

namespace oomcast::mm {
namespace {

using host::LockMode;
using host::LruKindIndex;
using host::Vmstat;
using support::anonymous;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using support::Program;
using namespace oomcast::literals;

uint64_t bytes_of(uint64_t pages) { return pages << kPageShift; }

// A process with 1000 pages of which the first half is used.
struct Mlock : testing::Test {
  Mlock() {
    m.host.processes[app].space.map(0, bytes_of(1000), anonymous());
    m.touch(app, 0, 500);
    m.lru_drain();
  }
  void lock(uint64_t first, uint64_t pages, LockMode mode = LockMode::kLocked) {
    m.run([&] { lock_range(m.k, app, bytes_of(first), bytes_of(pages), mode); });
  }
  Machine m{HostBuilder().plain_node(20000_pages).swap(256_MiB).build(), Kswapd::kAbsent};
  host::ProcessIndex app = m.start(100);
};

TEST_F(Mlock, LockedPagesGoToTheUnevictableListAtOnce) {
  const int64_t before = m.list(LruKindIndex::kInactiveAnon);
  lock(0, 200);
  EXPECT_EQ(m.list(LruKindIndex::kUnevictable), 200);
  EXPECT_EQ(m.list(LruKindIndex::kInactiveAnon), before - 200);
  EXPECT_EQ(m.zone().mlocked, 200);
  EXPECT_EQ(m.host.guest_locked, 200);
  EXPECT_EQ(m.count(Vmstat::unevictable_pgs_mlocked), 200);
  EXPECT_EQ(m.count(Vmstat::unevictable_pgs_culled), 200);
  m.expect_sound();
}

TEST_F(Mlock, AFirstTouchInALockedRangeNeverGetsToAnEvictableList) {
  lock(500, 500);
  EXPECT_EQ(m.list(LruKindIndex::kUnevictable), 0) << "what was not used comes as touches";
  m.touch(app, 500, 100);
  m.lru_drain();
  EXPECT_EQ(m.list(LruKindIndex::kUnevictable), 100);
  m.expect_sound();
}

TEST_F(Mlock, AnUnlockedPageIsRescued) {
  lock(0, 200);
  lock(0, 50, LockMode::kNone);
  EXPECT_EQ(m.list(LruKindIndex::kUnevictable), 150);
  EXPECT_EQ(m.count(Vmstat::unevictable_pgs_munlocked), 50);
  EXPECT_EQ(m.count(Vmstat::unevictable_pgs_rescued), 50);
  m.expect_sound();
}

TEST_F(Mlock, WhatIsUnmappedIsLockedNoMore) {
  lock(0, 200);
  m.run([&] { unmap_range(m.k, app, 0, bytes_of(100)); });
  EXPECT_EQ(m.zone().mlocked, 100);
  m.run([&] { exit_process(m.k, app); });
  EXPECT_EQ(m.zone().mlocked, 0);
  EXPECT_EQ(m.list(LruKindIndex::kUnevictable), 0);
  m.expect_sound();
}

TEST_F(Mlock, WhatIsInSwapComesBackAndStays) {
  m.touch(app, 500, 500);
  const host::ProcessIndex other = m.start(101);
  m.touch(other, 1 << 16, 21000);
  ASSERT_TRUE(m.swapped(app, 10));
  lock(0, 1000);
  for (uint64_t vpn = 0; vpn < 1000; ++vpn) ASSERT_TRUE(m.in_memory(app, vpn)) << vpn;
  m.touch(other, 1 << 17, 15000);
  EXPECT_EQ(m.process(app).swap_entries, 0) << "reclaim has had everything else meanwhile";
  EXPECT_EQ(m.host.guest_locked, 1000);
  m.expect_sound();
}

TEST_F(Mlock, OnFaultLeavesInSwapWhatIsThere) {
  const host::ProcessIndex other = m.start(101);
  m.touch(other, 1 << 16, 21000);
  const int64_t swapped = m.process(app).swap_entries;
  ASSERT_GT(swapped, 0);
  lock(0, 1000, LockMode::kOnFault);
  EXPECT_EQ(m.process(app).swap_entries, swapped);
  m.touch(app, 0, 500);
  EXPECT_EQ(m.host.guest_locked, 500);
  m.expect_sound();
}

TEST_F(Mlock, APageThatTwoHaveLockedNeedsBothToLetGo) {
  const host::ProcessIndex child = m.start(101);
  m.run([&] { copy_address_space(m.k, app, child); });
  m.host.processes[child].space.map(0, bytes_of(1000), anonymous());
  lock(0, 100, LockMode::kOnFault);
  m.run([&] { lock_range(m.k, child, 0, bytes_of(100), LockMode::kOnFault); });
  lock(0, 100, LockMode::kNone);
  EXPECT_EQ(m.list(LruKindIndex::kUnevictable), 100);
  m.run([&] { exit_process(m.k, child); });
  EXPECT_EQ(m.list(LruKindIndex::kUnevictable), 0);
  m.expect_sound();
}

TEST_F(Mlock, LockingCopiesWhatAForkHasShared) {
  const host::ProcessIndex child = m.start(101);
  m.run([&] { copy_address_space(m.k, app, child); });
  lock(0, 100);
  EXPECT_NE(&m.page(app, 5), &m.page(child, 5)) << "FOLL_WRITE: the copy is made now, not at the first write";
  EXPECT_EQ(m.host.guest_locked, 100);
  m.expect_sound();
}

TEST_F(Mlock, ALazilyFreedRangeDoesNotGiveUpLockedPages) {
  lock(0, 100);
  m.run([&] { lazyfree_range(m.k, app, 0, 200); });
  EXPECT_EQ(m.list(LruKindIndex::kUnevictable), 100);
  EXPECT_EQ(m.count(Vmstat::pglazyfree), 100);
}

TEST_F(Mlock, SharedMemoryThatIsCutOffIsLockedNoMore) {
  m.host.files.emplace_back();
  const auto file = static_cast<host::FileIndex>(m.host.files.size() - 1);
  m.host.files[file].home = host::FileHome::kShmem;
  host::AddressSpace::Mapping shared;
  shared.shared = true;
  shared.file = file;
  shared.file_shift = -2000;
  m.host.processes[app].space.map(bytes_of(2000), bytes_of(100), shared);
  m.host.files[file].size_pages = 100;
  lock(2000, 100);
  EXPECT_EQ(m.host.guest_locked, 100) << "a file's pages are read in";
  m.run([&] { truncate_file(m.k, file, 0); });
  EXPECT_EQ(m.host.guest_locked, 0);
  EXPECT_EQ(m.zone().mlocked, 0);
  m.expect_sound();
}

// The same by the events of a program.
struct MlockEvents : testing::Test {
  MlockEvents() { p.window(500); }
  sim::Simulation simulation{HostBuilder().plain_node(20000_pages).swap(256_MiB).build(), audited()};
  Program p{simulation, 100};
  static sim::Options audited() {
    sim::Options options;
    options.audit = true;
    return options;
  }
  sim::Outcome finish() {
    sim::Outcome outcome = simulation.finish();
    EXPECT_TRUE(outcome.audit_faults.empty()) << outcome.audit_faults[0].what;
    return outcome;
  }
};

TEST_F(MlockEvents, ReclaimTakesWhatIsNotLocked) {
  p.map(0, 30000);
  p.lock(0, 10000);
  p.touch(0, 30000);
  p.touch(0, 10000);
  const sim::Outcome outcome = finish();
  EXPECT_GT(outcome.counters[Vmstat::pswpout], 10000);
  EXPECT_EQ(outcome.counters[Vmstat::pswpin], 0);
  EXPECT_EQ(outcome.app.locked_peak, to_bytes(10000_pages));
}

TEST_F(MlockEvents, LockAllOfTheFutureLocksWhatIsMappedLater) {
  p.map(0, 1000);
  p.touch(0, 1000);
  p.lock_all(false, true);
  p.map(3000, 2000);
  p.touch(3000, 2000);
  EXPECT_EQ(finish().app.locked_peak, to_bytes(2000_pages)) << "the first 1000 are not locked";
}

TEST_F(MlockEvents, LockAllOfWhatIsMappedLeavesTheFutureAlone) {
  p.map(0, 2000);
  p.touch(0, 2000);
  p.lock_all(true, false);
  p.map(3000, 1000);
  p.touch(3000, 1000);
  EXPECT_EQ(finish().app.locked_peak, to_bytes(2000_pages)) << "the last 1000 are not locked";
}

TEST_F(MlockEvents, UnlockAllEndsBoth) {
  p.map(0, 1000);
  p.lock_all(true, true);
  p.lock_all(false, false);
  p.touch(0, 1000);
  p.map(2000, 1000);
  p.touch(2000, 1000);
  EXPECT_EQ(finish().app.locked_peak, Bytes(0));
}

TEST_F(MlockEvents, AChildInheritsNoLocks) {
  p.map(0, 1000);
  p.lock_all(true, true);
  p.touch(0, 1000);
  Program child = p.fork(101);
  p.exit();
  child.touch(0, 1000);
  child.map(2000, 1000);
  child.touch(2000, 1000);
  const sim::Outcome outcome = finish();
  EXPECT_EQ(outcome.app.locked_peak, to_bytes(1000_pages)) << "the parent's";
  EXPECT_EQ(outcome.counters[Vmstat::unevictable_pgs_munlocked], 1000);
}

TEST_F(MlockEvents, ExecDropsThem) {
  p.map(0, 1000);
  p.lock_all(true, true);
  p.touch(0, 500);
  p.exec();
  p.map(0, 1000);
  p.touch(0, 1000);
  EXPECT_EQ(finish().app.locked_peak, to_bytes(500_pages));
}

TEST_F(MlockEvents, AMovedMappingStaysLocked) {
  p.map(0, 1000);
  p.touch(0, 1000);
  p.lock(0, 1000);
  p.move(0, 5000, 1000);
  p.unlock(0, 1000);
  p.touch(5000, 1000);
  const sim::Outcome outcome = finish();
  EXPECT_EQ(outcome.counters[Vmstat::unevictable_pgs_mlocked], 1000);
  EXPECT_EQ(outcome.counters[Vmstat::unevictable_pgs_munlocked], 0);
}

TEST_F(MlockEvents, MovedOverAnotherMappingItIsTheMovedOneThatCounts) {
  p.map(0, 1000);
  p.map(5000, 1000);
  p.touch(0, 1000);
  p.touch(5000, 1000);
  p.lock(5000, 1000);
  p.move(0, 5000, 1000);
  const sim::Outcome outcome = finish();
  EXPECT_EQ(outcome.counters[Vmstat::unevictable_pgs_munlocked], 1000);
}

TEST(MlockMultiGen, LockedPagesAreInNoGenerationAndStay) {
  sim::Options options;
  options.audit = true;
  sim::Simulation simulation(HostBuilder().kernel(6, 12).multi_gen().plain_node(20000_pages).swap(256_MiB).build(),
                             options);
  Program p(simulation, 100);
  p.window(500);
  p.map(0, 40000);
  p.lock(0, 8000);
  p.touch(0, 8000);
  for (uint64_t at = 8000; at < 40000; at += 1000) {
    p.touch(at, 1000);
    p.touch(0, 100);
  }
  const sim::Outcome outcome = simulation.finish();
  EXPECT_TRUE(outcome.audit_faults.empty()) << outcome.audit_faults[0].what;
  EXPECT_EQ(outcome.counters[Vmstat::unevictable_pgs_mlocked], 8000);
  EXPECT_EQ(outcome.counters[Vmstat::pswpin], 0);
  EXPECT_GT(outcome.counters[Vmstat::pswpout], 0);
}

// should_skip_vma(): a page that is locked between two rounds keeps its accessed bit.
TEST(MlockMultiGen, TheWalkPassesLockedMappingsBy) {
  Machine m(HostBuilder().kernel(6, 12).multi_gen().plain_node(20000_pages).swap(256_MiB).build(), Kswapd::kAbsent);
  const host::ProcessIndex app = m.start(100), other = m.start(101);
  m.host.processes[app].space.map(0, bytes_of(500), anonymous());
  m.touch(app, 0, 500);
  m.run([&] { lock_range(m.k, app, 0, bytes_of(500), LockMode::kLocked); });
  m.touch(other, 1 << 16, 25000);
  EXPECT_TRUE(m.page(app, 10).has(host::kPageYoung));
  EXPECT_EQ(m.host.guest_locked, 500);
}

TEST(MlockGroup, AGroupInWhichAllIsLockedIsOutOfMemoryWithSwapFree) {
  sim::Options options;
  options.audit = true;
  sim::Simulation simulation(HostBuilder().plain_node(20000_pages).swap(256_MiB).limit(to_bytes(4000_pages)).build(),
                             options);
  Program p(simulation, 100);
  p.window(100);
  p.lock_all(true, true);
  p.map(0, 8000);
  p.touch(0, 8000);
  const sim::Outcome outcome = simulation.finish();
  ASSERT_EQ(outcome.oom_kills.size(), 1u);
  EXPECT_EQ(outcome.counters[Vmstat::pswpout], 0);
  EXPECT_GT(outcome.oom_kills[0].shortage.locked, 3900_pages);
}

}  // namespace
}  // namespace oomcast::mm
