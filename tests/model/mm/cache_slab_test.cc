// Cached pages cost slab memory (buffer heads, tree nodes), which is freed with them.
#include "model/mm/cache_slab.h"

#include <gtest/gtest.h>

#include "model/mm/lru.h"
#include "model/mm/page_cache.h"
#include "model/mm/writeback.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using support::HostBuilder;
using support::Machine;
using namespace oomcast::literals;

int64_t slab_after_writing(int64_t block_bytes, uint64_t pages) {
  host::HostSpec spec = HostBuilder().plain_node(20000_pages).build();
  spec.file_block_bytes = block_bytes;
  Machine m(spec);
  m.host.files.emplace_back();
  m.run([&] { file_write(m.k, 0, 0, pages * 4096, 0); });
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
  return static_cast<int64_t>(m.host.cache_slab.size());
}

TEST(CacheSlab, ABlockOfAPageCostsOneBufferHeadAndSmallBlocksFour) {
  // 1792 pages, too few to make the writer wait: 28 tree nodes, 4 pages; 39 buffer heads fill a page.
  EXPECT_EQ(slab_after_writing(4096, 1792), (1792 + 38) / 39 + 4);
  EXPECT_EQ(slab_after_writing(1024, 1792), (4 * 1792 + 38) / 39 + 4);
  EXPECT_EQ(slab_after_writing(0, 1792), 4) << "XFS and btrfs keep none";
}

struct ReadAndWritten : testing::Test {
  ReadAndWritten() : m(HostBuilder().plain_node(20000_pages).build()) { m.host.files.emplace_back(); }
  void TearDown() override { EXPECT_EQ(m.audit(), std::vector<std::string>{}); }
  Machine m;
};

TEST_F(ReadAndWritten, PagesThatAreOnlyReadHaveNoBufferHeads) {
  m.host.files[0].size_pages = 4480;
  m.run([&] { file_read(m.k, 0, 0, 4480 * 4096, 0); });
  EXPECT_EQ(m.host.buffer_heads, 0);
  EXPECT_EQ(m.host.cache_slab.size(), 10u);
}

TEST_F(ReadAndWritten, EvictionGivesBufferHeadsBackButKeepsTheNodesForTheShadows) {
  m.run([&] {
    file_write(m.k, 0, 0, 640 * 4096, 0);
    sync_file(m.k, 0);
  });
  const int64_t with_all = m.node().slab_reclaimable;
  std::vector<host::PageId> pages;
  m.host.files[0].for_each_page(0, [&](uint64_t, host::PageId id) {
    pages.push_back(id);
    return true;
  });
  m.run([&] {
    for (const host::PageId id : pages) evict_file_page(m.k, id);
  });
  EXPECT_EQ(m.host.buffer_heads, 0);
  EXPECT_EQ(m.host.tree_nodes, 10);
  EXPECT_EQ(m.node().slab_reclaimable, with_all - (640 + 38) / 39);
  m.run([&] {
    for (const host::PageId id : pages) {
      m.host.pages[id].slot = host::kNoSlot;
      release_page(m.k, id, 0);
    }
    truncate_file(m.k, 0, 0);
  });
  EXPECT_EQ(m.host.tree_nodes, 0) << "shadows go with the file";
}

TEST(GroupSlab, IsChargedToWhoMadeItAndGivenBackWithThePages) {
  Machine m(HostBuilder().plain_node(20000_pages).limit(64_MiB).build());
  m.host.files.emplace_back();
  const host::CgroupIndex app = m.host.app_cgroup;
  m.run([&] { file_write(m.k, 0, 0, 640 * 4096, app); });
  // 10 nodes of 576 bytes, 640 buffer heads of 104: 72,320 bytes.
  EXPECT_EQ(cache_slab_bytes(m.host.cgroups[app]), 72320);
  EXPECT_EQ(m.host.cgroups[app].slab, 18);
  EXPECT_EQ(m.host.cgroups[app].usage - m.host.cgroups[app].parked(), 640 + 18);
  m.run([&] { truncate_file(m.k, 0, 0); });
  EXPECT_EQ(m.host.cgroups[app].usage - m.host.cgroups[app].parked(), 0);
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

}  // namespace
}  // namespace oomcast::mm
