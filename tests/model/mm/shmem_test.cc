// Pages of a tmpfs file, a memfd or a shared mapping are in memory or in swap until their file ends.
#include "model/mm/shmem.h"

#include <gtest/gtest.h>

#include "model/mm/page_cache.h"
#include "model/mm/shrink_lists.h"
#include "model/mm/swap.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::LruKindIndex;
using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

struct MemoryFile : testing::Test {
  MemoryFile() : MemoryFile(HostBuilder().plain_node(20000_pages)) {}
  explicit MemoryFile(const HostBuilder& builder) : m(builder.build(), Kswapd::kAbsent), app(m.start(100)) {
    file().home = host::FileHome::kShmem;
  }
  void TearDown() override { EXPECT_EQ(m.audit(), std::vector<std::string>{}); }

  host::File& file() {
    if (m.host.files.empty()) m.host.files.emplace_back();
    return m.host.files[0];
  }
  bool write(uint64_t first, uint64_t pages) {
    bool done = false;
    m.run([&] { done = shmem_write(m.k, app, 0, first << kPageShift, pages << kPageShift); }, 0, 100);
    return done;
  }
  void read(uint64_t first, uint64_t pages) {
    m.run([&] { shmem_read(m.k, app, 0, first << kPageShift, pages << kPageShift); }, 0, 100);
  }
  void map(host::ProcessIndex process, uint64_t first, int64_t pages, bool shared = true) {
    host::AddressSpace& space = m.process(process).space;
    space.map(first << kPageShift, static_cast<uint64_t>(pages) << kPageShift, {});
    host::AddressSpace::Mapping& mapping = space.mappings[first << kPageShift];
    mapping.file = 0;
    mapping.file_shift = -static_cast<int64_t>(first);
    mapping.shared = shared;
  }
  void squeeze(int64_t pages) {
    for (int pass = 0; pass < 4; ++pass) {
      m.run([&] {
        SwapPlug plug(m.k);
        ScanControl sc;
        for (int64_t i = 0; i < pages; i += 32) shrink_inactive_list(m.k, 0, host::kRootCgroup, 32, false, sc);
        plug.flush();
      });
      m.pass(1_s);
    }
  }
  Machine m;
  host::ProcessIndex app;
};
struct MemoryFileWithSwap : MemoryFile {
  MemoryFileWithSwap() : MemoryFile(HostBuilder().plain_node(20000_pages).swap(64_MiB)) {}
};
struct MemoryFileInAGroup : MemoryFile {
  MemoryFileInAGroup() : MemoryFile(HostBuilder().plain_node(20000_pages).limit(4_MiB)) {}
};

TEST_F(MemoryFile, WhatIsWrittenLiesOnTheAnonymousListsAndCountsInTheFootprint) {
  const int64_t shmem = m.node().nr_shmem;
  EXPECT_TRUE(write(0, 100));
  EXPECT_EQ(m.host.guest_anon, 100);
  EXPECT_EQ(m.node().nr_shmem - shmem, 100);
  EXPECT_EQ(m.list(LruKindIndex::kInactiveFile), 0);
  EXPECT_EQ(m.node().nr_dirty, 0) << "nothing of it will ever be written to a disk";
  EXPECT_EQ(m.process(app).rss_shmem, 0) << "nobody maps it";
}

TEST_F(MemoryFile, WrittenAndThenMappedItIsOnePage) {
  EXPECT_TRUE(write(0, 64));
  map(app, 0x1000, 128);
  EXPECT_EQ(m.touch(app, 0x1000, 128), 128);
  EXPECT_EQ(m.host.guest_anon, 128);
  EXPECT_EQ(m.process(app).rss_shmem, 128);
  EXPECT_EQ(m.process(app).rss_anon + m.process(app).rss_file, 0);
}

TEST_F(MemoryFile, ProcessesThatShareItHaveThePagesOnce) {
  const auto other = m.start(101);
  map(app, 0x1000, 100);
  map(other, 0x7000, 100);
  EXPECT_EQ(m.touch(app, 0x1000, 100), 100);
  EXPECT_EQ(m.touch(other, 0x7000, 100), 100);
  EXPECT_EQ(m.host.guest_anon, 100);
  EXPECT_EQ(m.process(other).rss_shmem, 100);
  EXPECT_EQ(m.process(other).touched_pages, 0) << "they were touched before";
}

TEST_F(MemoryFile, ItStaysWhenItsWriterIsGoneAndIsFreeOnceItIsCut) {
  const int64_t available = m.available();
  map(app, 0x1000, 100);
  EXPECT_EQ(m.touch(app, 0x1000, 100), 100);
  EXPECT_TRUE(write(100, 28));
  m.run([&] { exit_process(m.k, app); });
  EXPECT_EQ(m.host.guest_anon, 128);
  m.run([&] { punch_file(m.k, 0, 0, 28); });
  EXPECT_EQ(m.host.guest_anon, 100);
  m.run([&] { truncate_file(m.k, 0, 0); });
  EXPECT_EQ(m.host.guest_anon, 0);
  EXPECT_EQ(m.available(), available);
}

TEST_F(MemoryFile, WithoutANameItGoesWithTheLastWhoHasUsedIt) {
  file().nameless = true;
  EXPECT_TRUE(write(0, 100));
  const auto child = m.start(101);
  m.run([&] { share_held_files(m.k, app, child); });
  m.run([&] { exit_process(m.k, app); });
  EXPECT_EQ(m.host.guest_anon, 100) << "the child has the descriptor";
  m.run([&] { exit_process(m.k, child); });
  EXPECT_EQ(m.host.guest_anon, 0);
}

TEST_F(MemoryFile, AHoleThatIsReadTakesNoMemoryAndOneThatIsMappedDoes) {
  file().size_pages = 100;
  read(0, 100);
  EXPECT_EQ(m.host.guest_anon, 0);
  map(app, 0x1000, 100);
  EXPECT_EQ(m.read(app, 0x1000, 10), 10);
  EXPECT_EQ(m.host.guest_anon, 10);
}

TEST_F(MemoryFile, AWriteToAPrivateMappingCopies) {
  EXPECT_TRUE(write(0, 10));
  map(app, 0x1000, 10, false);
  EXPECT_EQ(m.touch(app, 0x1000, 10), 10);
  EXPECT_EQ(m.process(app).rss_anon, 10);
  EXPECT_EQ(m.host.guest_anon, 20);
}

TEST_F(MemoryFile, OfRamfsItCannotBeTakenAtAll) {
  file().home = host::FileHome::kRamfs;
  EXPECT_TRUE(write(0, 100));
  squeeze(100);
  EXPECT_EQ(file().cached, 100);
  EXPECT_EQ(m.host.guest_anon, 100);
  m.run([&] { truncate_file(m.k, 0, 0); });
  EXPECT_EQ(m.host.guest_anon, 0);
}

TEST_F(MemoryFile, WithoutSwapNothingTakesIt) {
  EXPECT_TRUE(write(0, 100));
  squeeze(100);
  EXPECT_EQ(file().cached, 100);
  EXPECT_EQ(m.host.guest_anon, 100);
}

TEST_F(MemoryFileInAGroup, WithoutSwapTheGroupDies) {
  m.process(app).cgroup = m.host.app_cgroup;
  EXPECT_FALSE(write(0, 2000));
  EXPECT_EQ(m.outcome.oom_kills.size(), 1u);
  EXPECT_GT(m.host.guest_anon, 950);
  EXPECT_LE(m.host.guest_anon, 1024);
  EXPECT_GT(m.host.cgroups[m.host.app_cgroup].usage, 950) << "a kill frees nothing of it";
}

TEST_F(MemoryFileWithSwap, GoesToSwapAndComesBackByReadAndByFault) {
  EXPECT_TRUE(write(0, 128));
  squeeze(128);
  EXPECT_EQ(file().cached, 0);
  EXPECT_EQ(file().swapped, 128);
  EXPECT_EQ(m.host.guest_anon, 0);
  EXPECT_EQ(m.host.guest_swapped, 128) << "the footprint is what it was";
  EXPECT_EQ(m.count(Vmstat::pswpout), 128);

  read(0, 8);
  EXPECT_EQ(file().cached, 8);
  EXPECT_EQ(m.host.guest_anon + m.host.guest_swapped, 128);
  EXPECT_EQ(m.count(Vmstat::pgmajfault), 0) << "read() faults nothing";
  map(app, 0x1000, 128);
  EXPECT_EQ(m.touch(app, 0x1000, 128), 128);
  EXPECT_GT(m.count(Vmstat::pgmajfault), 0);
  EXPECT_EQ(m.host.guest_anon, 128);
  EXPECT_EQ(m.host.free_swap() + m.host.cached_slots, m.host.total_swap);
}

TEST_F(MemoryFileWithSwap, MappedByTwoItLosesBothMappingsAndTakesOneSlot) {
  const auto other = m.start(101);
  map(app, 0x1000, 64);
  map(other, 0x7000, 64);
  m.touch(app, 0x1000, 64);
  m.touch(other, 0x7000, 64);
  squeeze(64);
  squeeze(64);
  EXPECT_EQ(file().swapped, 64);
  EXPECT_EQ(m.process(app).rss_shmem, 0);
  EXPECT_EQ(m.process(other).rss_shmem, 0);
  EXPECT_EQ(m.process(app).swap_entries, 0) << "the file has them, not the page tables";
  EXPECT_EQ(m.host.guest_swapped, 64);
}

TEST_F(MemoryFileWithSwap, WhatIsSwappedOutGivesItsSlotsBackWhenTheFileIsCut) {
  EXPECT_TRUE(write(0, 128));
  squeeze(128);
  read(0, 1);  // neighbours wait in the swap cache
  m.run([&] { truncate_file(m.k, 0, 0); });
  m.pass(1_s);
  EXPECT_EQ(m.host.guest_swapped, 0);
  EXPECT_EQ(m.host.guest_anon, 0);
  EXPECT_EQ(m.host.free_swap() + m.host.cached_slots, m.host.total_swap);
}

}  // namespace
}  // namespace oomcast::mm
