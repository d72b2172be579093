// Dirty pages are written, and writers wait for it.
#include "model/mm/writeback.h"

#include <gtest/gtest.h>

#include "model/mm/page_cache.h"
#include "tests/support/machine.h"

namespace oomcast::mm {
namespace {

using host::Vmstat;
using support::HostBuilder;
using support::Machine;
using namespace oomcast::literals;

struct Writeback : testing::Test {
  Writeback() : m(disk(HostBuilder().plain_node(50000_pages).cpus(2).build())) {
    m.host.files.emplace_back();
    m.begin([this] { flusher_main(m.k); });
  }
  static host::HostSpec disk(host::HostSpec spec) {
    spec.disk = {Nanoseconds(100'000), Nanoseconds(100'000), Nanoseconds(2'000'000), Nanoseconds(2'000'000)};
    return spec;
  }
  void write(uint64_t first, uint64_t pages) {
    m.run([&] {
      for (uint64_t at = 0; at < pages; at += 16) file_write(m.k, 0, (first + at) * 4096, 16 * 4096, 0);
    });
  }
  Machine m;
};

TEST_F(Writeback, ThresholdsAreSharesOfWhatCouldBeDirty) {
  const DirtyLimits limits = dirty_limits(m.host);
  EXPECT_NEAR(static_cast<double>(limits.dirty), 0.2 * 50000, 700);
  EXPECT_NEAR(static_cast<double>(limits.background), 0.1 * 50000, 350);
}

TEST_F(Writeback, ALittleDirtIsLeftAloneUntilItExpires) {
  write(0, 1008);
  m.pass(20_s);
  EXPECT_EQ(m.host.files[0].dirty, 1008);
  m.pass(25_s);
  EXPECT_EQ(m.host.files[0].dirty, 0) << "dirty_expire_centisecs is 30 s, checked every 5 s";
}

TEST_F(Writeback, AboveTheBackgroundThresholdTheFlusherWrites) {
  write(0, 6000);
  m.pass(2_s);
  EXPECT_LE(m.node().nr_dirty, dirty_limits(m.host).background);
  EXPECT_GT(m.count(Vmstat::nr_written), 500);
}

TEST_F(Writeback, AWriterFasterThanTheDiskIsHeldBelowTheLimit) {
  write(0, 40000);
  EXPECT_LE(m.node().nr_dirty + m.node().nr_writeback, dirty_limits(m.host).dirty + 64);
  EXPECT_GT(m.outcome.stall.throttled_total, 100_ms);
}

TEST_F(Writeback, TruncatingAFileThatIsBeingWrittenDoesNotHangWhoWaitsForIt) {
  write(0, 256);
  const sim::FiberId fsync = m.begin([this] { sync_file(m.k, 0); });
  m.pass(100_us);
  ASSERT_GT(m.host.files[0].writeback, 0);
  m.run([this] { truncate_file(m.k, 0, 0); });
  m.finish(fsync);
  m.pass(1_s);
  EXPECT_EQ(m.host.files[0].writeback, 0);
  EXPECT_EQ(m.node().nr_writeback, 0);
  EXPECT_EQ(m.audit(), std::vector<std::string>{});
}

TEST_F(Writeback, DirtyBytesOverrideTheRatio) {
  auto spec = disk(HostBuilder().plain_node(50000_pages).build());
  spec.vm.dirty_bytes = 8 << 20;
  spec.vm.dirty_background_bytes = 4 << 20;
  const host::Host host(spec);
  EXPECT_EQ(dirty_limits(host).dirty, 2048);
  EXPECT_EQ(dirty_limits(host).background, 1024);
}

}  // namespace
}  // namespace oomcast::mm
