// A file that is cached at the start is read, written and reclaimed like any other.
#include "model/mm/cached_files.h"

#include <gtest/gtest.h>

#include "model/mm/page_cache.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::LruKindIndex;
using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

struct CachedFiles : testing::Test {
  CachedFiles() : m(HostBuilder().plain_node(20000_pages).page_cache(3000_pages, 1000_pages).build(), Kswapd::kAbsent) {
    m.host.files.resize(2);
  }
  void TearDown() override { EXPECT_EQ(m.audit(), std::vector<std::string>{}); }
  void cache(host::FileIndex file, Pages pages, Pages dirty = {}, int active_percent = 0) {
    m.run([&] { cache_file(m.k, file, {"/f", 1, to_bytes(pages), to_bytes(dirty), active_percent}); });
  }
  host::File& file(host::FileIndex index) { return m.host.files[index]; }
  Machine m;
};

TEST_F(CachedFiles, AreReadWithoutADisk) {
  cache(0, 500_pages);
  m.run([&] { file_read(m.k, 0, 0, 500 * 4096, 0); });
  EXPECT_EQ(m.count(Vmstat::pgpgin), 0);
  m.run([&] { file_read(m.k, 0, 500 * 4096, 4096, 0); });
  EXPECT_GT(m.count(Vmstat::pgpgin), 0) << "what lies behind the cached part is not";
}

TEST_F(CachedFiles, ArePagesThatTheListsHadAllAlong) {
  cache(0, 500_pages, {}, 20);
  EXPECT_EQ(m.list(LruKindIndex::kInactiveFile), 3000);
  EXPECT_EQ(m.list(LruKindIndex::kActiveFile), 1000);
  EXPECT_EQ(m.host.pages[file(0).page(99)].list, LruKindIndex::kActiveFile);
  EXPECT_EQ(m.host.pages[file(0).page(100)].list, LruKindIndex::kInactiveFile);
}

TEST_F(CachedFiles, EndWhereTheListsDo) {
  cache(0, 3500_pages);
  EXPECT_EQ(file(0).cached, 3500) << "when one list is through, the other gives the rest";
  cache(1, 1000_pages);
  EXPECT_EQ(file(1).cached, 500);
}

TEST_F(CachedFiles, AreDirtyAtTheirEnd) {
  cache(0, 500_pages, 40_pages);
  EXPECT_EQ(m.node().nr_dirty, 40);
  EXPECT_FALSE(m.host.pages[file(0).page(459)].has(host::kPageDirty));
  EXPECT_TRUE(m.host.pages[file(0).page(460)].has(host::kPageDirty));
  EXPECT_EQ(m.host.buffer_heads, 40) << "dirty pages have been written to";
}

TEST_F(CachedFiles, GoInTheOrderInWhichTheyAreNamedAfterTheRestOfTheCache) {
  cache(0, 500_pages);
  cache(1, 500_pages);
  const auto app = m.start(100);
  int64_t touched = 0;
  while (file(0).cached == 500 && touched < 20000) touched += m.touch(app, static_cast<uint64_t>(touched), 32);
  EXPECT_EQ(m.node().lruvec(host::kRootCgroup).list(LruKindIndex::kInactiveFile).reserved(), 0)
      << "the rest goes first";
  EXPECT_EQ(file(1).cached, 500);
}

}  // namespace
}  // namespace oomcast::mm
