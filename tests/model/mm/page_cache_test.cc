// Reads and writes of files leave pages in memory, and evicted ones come back.
#include "model/mm/page_cache.h"

#include <gtest/gtest.h>

#include "model/mm/writeback.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::LruKindIndex;
using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

struct PageCache : testing::Test {
  PageCache() : m(disk(HostBuilder().plain_node(20000_pages).build())) { m.host.files.emplace_back(); }
  static host::HostSpec disk(host::HostSpec spec) {
    spec.disk = {Nanoseconds(100'000), Nanoseconds(100'000), Nanoseconds(300'000), Nanoseconds(300'000)};
    return spec;
  }
  void read(uint64_t first, uint64_t pages, uint64_t piece = 16) {
    for (uint64_t at = 0; at < pages; at += piece) {
      m.run([&] { file_read(m.k, 0, (first + at) * 4096, std::min(piece, pages - at) * 4096, 0); });
    }
  }
  void write(uint64_t first, uint64_t pages) {
    m.run([&] { file_write(m.k, 0, first * 4096, pages * 4096, 0); });
  }
  host::File& file() { return m.host.files[0]; }
  void TearDown() override { EXPECT_EQ(m.audit(), std::vector<std::string>{}); }
  Machine m;
};

TEST_F(PageCache, ASequentialReadBringsEachPageInOnce) {
  file().size_pages = 1000;
  read(0, 1000);
  EXPECT_EQ(file().cached, 1000);
  EXPECT_EQ(m.count(Vmstat::pgpgin), 4000) << "kB";
  read(0, 1000);
  EXPECT_EQ(m.count(Vmstat::pgpgin), 4000) << "the second time all of it is there";
}

TEST_F(PageCache, ReadaheadRunsAheadOfTheReader) {
  file().size_pages = 1000;
  read(0, 16);
  EXPECT_GE(file().cached, 32);
  EXPECT_LE(file().cached, 96);
}

TEST_F(PageCache, ARandomReadBringsInWhatItAskedFor) {
  file().size_pages = 10000;
  read(5000, 2, 2);
  EXPECT_EQ(file().cached, 2);
}

TEST_F(PageCache, TheSecondReadActivates) {
  file().size_pages = 200;
  read(0, 200);
  EXPECT_EQ(m.list(LruKindIndex::kActiveFile), 0);
  read(0, 200);
  m.run([&] { file_read(m.k, 0, 0, 4096, 0); });
  EXPECT_GT(m.list(LruKindIndex::kActiveFile), 150) << "referenced by the first, activated by the second";
}

TEST_F(PageCache, AWrittenPageIsDirtyUntilFsync) {
  write(0, 100);
  EXPECT_EQ(file().dirty, 100);
  EXPECT_EQ(m.node().nr_dirty, 100);
  m.run([&] { EXPECT_TRUE(sync_file(m.k, 0)); });
  EXPECT_EQ(file().dirty, 0);
  EXPECT_EQ(file().writeback, 0);
  EXPECT_EQ(m.node().nr_writeback, 0);
  EXPECT_EQ(m.count(Vmstat::nr_written), 100);
}

TEST_F(PageCache, TruncationDropsPagesDirtyOrNot) {
  const int64_t before = m.available();
  write(0, 100);
  m.run([&] { truncate_file(m.k, 0, 0); });
  EXPECT_EQ(file().cached, 0);
  EXPECT_EQ(m.node().nr_dirty, 0);
  EXPECT_EQ(m.available(), before) << "buffer heads and tree nodes go with the pages";
}

TEST_F(PageCache, AStreamBeyondMemoryIsReclaimedByKswapdWithoutAStall) {
  file().size_pages = 60000;
  read(0, 60000, 32);
  EXPECT_GT(m.count(Vmstat::pgsteal_file), 38000);
  EXPECT_EQ(m.count(Vmstat::pgscan_anon), 0);
  EXPECT_LT(m.count(Vmstat::pgsteal_direct), m.count(Vmstat::pgsteal_kswapd) / 4);
}

TEST_F(PageCache, AFileThatJustDoesNotFitRefaultsWithoutActivation) {
  file().size_pages = 24000;
  read(0, 24000, 32);
  read(0, 24000, 32);
  EXPECT_GT(m.count(Vmstat::workingset_refault_file), 3000);
  EXPECT_EQ(m.count(Vmstat::workingset_activate_file), 0)
      << "without swap only active file pages could make room, and there are none";
}

}  // namespace
}  // namespace oomcast::mm
