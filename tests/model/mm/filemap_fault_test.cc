// A mapped file holds pages in memory, a group is charged for them, and reclaim takes them.
#include "model/mm/filemap_fault.h"

#include <gtest/gtest.h>

#include "model/mm/page_cache.h"
#include "model/mm/writeback.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::LruKindIndex;
using host::Vmstat;
using support::HostBuilder;
using support::Machine;
using namespace oomcast::literals;

struct MappedFile : testing::Test {
  explicit MappedFile(host::HostSpec spec = HostBuilder().plain_node(20000_pages).build()) : m(spec) {
    m.host.files.emplace_back();
    app = m.start(100);
  }
  void map(host::ProcessIndex process, uint64_t first, int64_t pages, bool shared, bool executable = false) {
    host::AddressSpace& space = m.process(process).space;
    space.map(first << kPageShift, static_cast<uint64_t>(pages) << kPageShift, {});
    host::AddressSpace::Mapping& mapping = space.mappings[first << kPageShift];
    mapping.file = 0;
    mapping.file_shift = -static_cast<int64_t>(first);
    mapping.shared = shared;
    mapping.executable = executable;
    m.host.files[0].size_pages = std::max(m.host.files[0].size_pages, pages);
  }
  void TearDown() override { EXPECT_EQ(m.audit(), std::vector<std::string>{}); }
  Machine m;
  host::ProcessIndex app = 0;
};

TEST_F(MappedFile, AFaultBringsInAWindowAndMapsWhatIsAroundIt) {
  map(app, 0x1000, 1000, true);
  EXPECT_EQ(m.read(app, 0x1000 + 100, 1), 1);
  EXPECT_EQ(m.count(Vmstat::pgmajfault), 1);
  EXPECT_EQ(m.host.files[0].cached, 32) << "84 to 115";
  EXPECT_EQ(m.process(app).rss_file, 1) << "the others were still being read";
  EXPECT_EQ(m.read(app, 0x1000 + 101, 1), 1);
  EXPECT_EQ(m.process(app).rss_file, 15) << "64 KiB around the fault, but for the page that starts the next readahead";
  EXPECT_EQ(m.count(Vmstat::pgmajfault), 1);
  EXPECT_EQ(m.node().file_mapped, 15);
  EXPECT_EQ(m.process(app).rss_anon, 0);
}

TEST_F(MappedFile, AWriteToAPrivateMappingCopies) {
  map(app, 0x1000, 64, false);
  EXPECT_EQ(m.read(app, 0x1000, 1), 1);
  EXPECT_EQ(m.touch(app, 0x1000, 1), 1) << "through an entry that is there";
  EXPECT_EQ(m.touch(app, 0x1000 + 50, 1), 1) << "and through none";
  EXPECT_EQ(m.process(app).rss_anon, 2);
  EXPECT_EQ(m.host.files[0].dirty, 0);
}

TEST_F(MappedFile, AWriteToASharedMappingDirtiesTheFile) {
  map(app, 0x1000, 64, true);
  EXPECT_EQ(m.read(app, 0x1000, 1), 1);
  EXPECT_EQ(m.touch(app, 0x1000, 2), 2);
  EXPECT_EQ(m.process(app).rss_anon, 0);
  EXPECT_EQ(m.host.files[0].dirty, 2);
}

TEST_F(MappedFile, MunmapMarksWhatWasUsedAsAccessed) {
  map(app, 0x1000, 16, true);
  EXPECT_EQ(m.read(app, 0x1000, 16), 16);
  m.run([&] { unmap_range(m.k, app, uint64_t{0x1000} << kPageShift, 16 << kPageShift); });
  EXPECT_EQ(m.process(app).rss_file, 0);
  EXPECT_EQ(m.node().file_mapped, 0);
  EXPECT_EQ(m.host.files[0].cached, 16) << "the cache keeps them";
  EXPECT_TRUE(m.host.pages[m.host.files[0].page(3)].has(host::kPageReferenced));
}

TEST_F(MappedFile, TwoProcessesShareThePages) {
  const auto other = m.start(101);
  map(app, 0x1000, 16, true);
  map(other, 0x2000, 16, true);
  m.read(app, 0x1000, 16);
  m.read(other, 0x2000, 16);
  EXPECT_EQ(m.host.files[0].cached, 16);
  EXPECT_EQ(m.process(other).rss_file, 16);
  EXPECT_EQ(m.node().file_mapped, 16) << "a page counts once";
  m.run([&] { truncate_file(m.k, 0, 0); });
  EXPECT_EQ(m.process(app).rss_file + m.process(other).rss_file, 0);
}

TEST_F(MappedFile, AForkedChildFaultsTheFileInForItself) {
  map(app, 0x1000, 16, true);
  m.read(app, 0x1000, 16);
  const auto child = m.start(101);
  m.process(child).space.mappings = m.process(app).space.mappings;
  m.run([&] { copy_address_space(m.k, app, child); });
  EXPECT_EQ(m.process(child).rss_file, 0);
}

// Text and data of the same size are read through once, then a stream of other pages comes by.
int64_t resident_after_a_stream(bool executable) {
  host::HostSpec spec = HostBuilder().plain_node(6000_pages).build();
  Machine m(spec);
  m.host.files.emplace_back();
  m.host.files.emplace_back();
  m.host.files[1].size_pages = 30000;
  const auto app = m.start(100);
  host::AddressSpace& space = m.process(app).space;
  space.map(uint64_t{0x1000} << kPageShift, 1024 << kPageShift, {});
  host::AddressSpace::Mapping& mapping = space.mappings[uint64_t{0x1000} << kPageShift];
  mapping.file = 0;
  mapping.file_shift = -0x1000;
  mapping.executable = executable;
  m.host.files[0].size_pages = 1024;
  m.read(app, 0x1000, 1024);
  for (uint64_t at = 0; at < 10000; at += 32) {
    m.run([&] { file_read(m.k, 1, at * 4096, 32 * 4096, 0); });
  }
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
  return m.host.files[0].cached;
}

TEST(MappedText, ThatWasUsedOnceSurvivesAStreamThatDataDoesNot) {
  EXPECT_GT(resident_after_a_stream(true), 900);
  EXPECT_LT(resident_after_a_stream(false), 600);
}

}  // namespace
}  // namespace oomcast::mm
