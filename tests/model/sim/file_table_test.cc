// A file keeps its position in Host::files while pages or users depend on it; positions of idle files are used again.
#include "model/sim/file_table.h"

#include <gtest/gtest.h>

#include "tests/support/host_builder.h"

namespace oomcast::sim {
namespace {

using host::FileIndex;
using support::HostBuilder;
using namespace oomcast::literals;

struct FileTableTest : testing::Test {
  host::Host machine{HostBuilder().node(64_MiB).build()};
  FileTable files{machine};

  // So many files that the next one makes the table forget the idle ones among them.
  void fill_up() {
    while (files.known() < FileTable::kFilesKept) files.place_of(1000 + files.known(), true);
  }
  bool survives(uint64_t id) {
    const std::optional<FileIndex> before = files.find(id);
    fill_up();
    files.place_of(999, true);
    return before && files.find(id) == before;
  }
};

TEST_F(FileTableTest, AFileIsFoundUnderItsNumberAndHasOnePlace) {
  EXPECT_FALSE(files.find(7).has_value());
  const FileIndex place = files.place_of(7, true);
  EXPECT_EQ(files.place_of(7, true), place);
  EXPECT_EQ(files.find(7), place);
  EXPECT_EQ(machine.files[place].id, 7u);
  EXPECT_NE(files.place_of(8, true), place);
}

TEST_F(FileTableTest, AnIdleFileIsForgottenAndItsPlaceUsedAgain) {
  files.place_of(7, true);
  EXPECT_FALSE(survives(7));
  EXPECT_EQ(files.known(), 1u);
  fill_up();
  EXPECT_EQ(machine.files.size(), FileTable::kFilesKept);
}

TEST_F(FileTableTest, NothingIsForgottenWhileSomebodyHasANumberInHand) {
  files.place_of(7, true);
  fill_up();
  files.place_of(999, false);
  EXPECT_TRUE(files.find(7).has_value());
}

TEST_F(FileTableTest, AFileInMemoryIsKept) {
  machine.files[files.place_of(7, true)].home = host::FileHome::kShmem;
  EXPECT_TRUE(survives(7));
}

TEST_F(FileTableTest, AFileOfWhichPagesAreCachedOrDirtyIsKept) {
  machine.files[files.place_of(7, true)].cached = 1;
  machine.files[files.place_of(8, true)].dirty = 1;
  EXPECT_TRUE(survives(7));
  EXPECT_TRUE(files.find(8).has_value());
}

TEST_F(FileTableTest, AFileThatIsMappedIsKept) {
  machine.processes.emplace_back();
  host::AddressSpace::Mapping mapping;
  mapping.file = files.place_of(7, true);
  machine.processes.back().space.map(0x1000, 0x1000, mapping);
  EXPECT_TRUE(survives(7));
}

TEST_F(FileTableTest, AFileThatTheHostUsesIsKept) {
  files.keep(files.place_of(7, true));
  EXPECT_TRUE(survives(7));
}

}  // namespace
}  // namespace oomcast::sim
