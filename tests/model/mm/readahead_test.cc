// A file is read ahead, by read() and by faults in a mapping.
#include "model/mm/readahead.h"

#include <gtest/gtest.h>

#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using support::HostBuilder;
using support::Machine;
using namespace oomcast::literals;

TEST(Readahead, WindowsStartSmallAndDouble) {
  EXPECT_EQ(init_readahead_pages(1, 32), 4);
  EXPECT_EQ(init_readahead_pages(2, 32), 4);
  EXPECT_EQ(init_readahead_pages(8, 32), 16);
  EXPECT_EQ(init_readahead_pages(16, 32), 32);
  EXPECT_EQ(next_readahead_pages(1, 32), 4);
  EXPECT_EQ(next_readahead_pages(4, 32), 8);
  EXPECT_EQ(next_readahead_pages(16, 32), 32);
  EXPECT_EQ(next_readahead_pages(32, 32), 32);
}

struct ReadAround : testing::Test {
  ReadAround() : m(HostBuilder().plain_node(20000_pages).build()) {
    m.host.files.emplace_back();
    file().size_pages = 100000;
  }
  host::File& file() { return m.host.files[0]; }
  void fault(int64_t index) {
    m.run([&] { mmap_readaround(m.k, 0, index, 0); });
  }
  Machine m;
};

TEST_F(ReadAround, AFaultReadsHalfAWindowOnEachSide) {
  fault(1000);
  EXPECT_EQ(file().cached, 32);
  EXPECT_NE(file().page(984), host::kNoPage);
  EXPECT_EQ(file().page(983), host::kNoPage);
  EXPECT_NE(file().page(1015), host::kNoPage);
  EXPECT_EQ(file().page(1016), host::kNoPage);
}

TEST_F(ReadAround, StopsAfterAHundredMissesInARow) {
  for (int64_t i = 0; i < 120; ++i) fault(100 + i * 64);
  EXPECT_EQ(file().cached, 100 * 32);
}

}  // namespace
}  // namespace oomcast::mm
