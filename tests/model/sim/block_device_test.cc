// Disks take time: service times, requests side by side or one at a time, neighbours merged, reads first.
#include "model/sim/block_device.h"

#include <gtest/gtest.h>

#include "model/mm/lru.h"
#include "model/mm/page_alloc.h"
#include "model/mm/swap.h"
#include "tests/support/machine.h"

namespace oomcast::sim {
namespace {

using host::Vmstat;
using support::HostBuilder;
using support::Kswapd;
using support::Machine;
using namespace oomcast::literals;

constexpr host::DeviceTimes kTimes{Nanoseconds(90'000), Nanoseconds(30'000), Nanoseconds(400'000),
                                   Nanoseconds(340'000)};

TEST(ServiceTime, OnePageIsTheFourKilobyteFigure) {
  EXPECT_EQ(service_time(kTimes, false, 1), 90_us);
  EXPECT_EQ(service_time(kTimes, true, 1), 30_us);
}

TEST(ServiceTime, ThirtyTwoPagesAreThe128KilobyteFigure) {
  EXPECT_EQ(service_time(kTimes, false, 32), 400_us);
  EXPECT_EQ(service_time(kTimes, true, 32), 340_us);
}

TEST(ServiceTime, BiggerRequestsGoOnInTheSameSlope) { EXPECT_EQ(service_time(kTimes, false, 63), 710_us); }

TEST(ServiceTime, ADeviceThatIsFasterInBulkNeverGetsNegative) {
  const host::DeviceTimes odd{Nanoseconds(100), Nanoseconds(100), Nanoseconds(50), Nanoseconds(50)};
  EXPECT_EQ(service_time(odd, false, 32), 100_ns);
}

TEST(ServiceDepth, ADiskWhoseSmallRequestsAreTheSlowOnesServesOneAtATime) {
  EXPECT_EQ(service_depth(kTimes), 64);
  EXPECT_EQ(service_depth({2500_us, 2500_us, 1300_us, 1300_us}), 1);
  EXPECT_EQ(service_depth({2500_us, 30_us, 1300_us, 340_us}), 64);
  EXPECT_EQ(service_depth({875_us, 3562_us, 389_us, 1387_us}), 64)
      << "no arm cares for the direction: measured at a busy moment";
  EXPECT_EQ(service_depth({8000_us, 9000_us, 900_us, 1000_us}), 1);
}

host::HostSpec with_swap(const host::DeviceTimes& times) {
  host::HostSpec spec = HostBuilder().plain_node(20000_pages).swap(64_MiB).build();
  spec.swaps[0].times = times;
  return spec;
}

// Swap of 100 us per request plus 200/31 us per further page.
struct Disk : testing::Test {
  explicit Disk(const host::DeviceTimes& times = {100_us, 100_us, 300_us, 300_us})
      : m(with_swap(times), Kswapd::kAbsent) {}
  Machine m;

  mm::SwapIo io() {
    mm::SwapIo out;
    m.run([&] {
      out.page = mm::new_page(m.k, mm::alloc_page(m.k, mm::kGfpHighUserMovable, 0), host::kPageSwapBacked);
      mm::add_to_swap(m.k, out.page);
      host::Page& page = m.host.pages[out.page];
      page.clear(host::kPageDirty);
      page.set(host::kPageWriteback);
      ++m.node().nr_writeback;
      ++m.zone().write_pending;
      out.slot = page.slot;
    });
    return out;
  }
  std::vector<mm::SwapIo> ios(int count) {
    std::vector<mm::SwapIo> all;
    for (int i = 0; i < count; ++i) all.push_back(io());
    return all;
  }
  // Virtual time until the disk is idle.
  Nanoseconds drain() {
    const Nanoseconds begin = m.sched.now();
    while (!m.disks.idle() && m.sched.step()) {
    }
    return m.sched.now() - begin;
  }
  static Nanoseconds time(int64_t pages) { return 100_us + (200_us / 31) * (pages - 1); }
};

TEST_F(Disk, AdjacentSlotsOfOneCallAreOneRequest) {
  m.disks.submit_swap_writes(ios(32), 0, mm::WbtQueue::kSwap);
  EXPECT_EQ(drain(), time(32));
}

TEST_F(Disk, ARequestHoldsAtMost254Pages) {
  m.disks.submit_swap_writes(ios(300), 0, mm::WbtQueue::kSwap);
  EXPECT_EQ(drain(), time(254));
}

TEST_F(Disk, RequestsAreServedSideBySide) {
  m.disks.submit_swap_writes(ios(8), 0, mm::WbtQueue::kSwap);
  m.disks.submit_swap_writes(ios(20), 0, mm::WbtQueue::kSwap);
  EXPECT_EQ(drain(), time(20));
}

TEST_F(Disk, TheSixtyFifthRequestWaitsForTheFirst) {
  for (int i = 0; i < 65; ++i) m.disks.submit_swap_writes(ios(1), 0, mm::WbtQueue::kSwap);
  EXPECT_EQ(drain(), time(1) * 2);
}

// 100 us for every request, one at a time.
struct SlowDisk : Disk {
  SlowDisk() : Disk({100_us, 100_us, 90_us, 90_us}) {}
};

TEST_F(SlowDisk, AGapMakesTwoRequests) {
  std::vector<mm::SwapIo> writes = ios(32);
  writes.erase(writes.begin() + 10);
  m.disks.submit_swap_writes(writes, 0, mm::WbtQueue::kSwap);
  EXPECT_EQ(drain(), 200_us);
}

TEST_F(SlowDisk, RequestsAreServedOneAfterTheOther) {
  m.disks.submit_swap_writes(ios(8), 0, mm::WbtQueue::kSwap);
  m.disks.submit_swap_writes(ios(8), 0, mm::WbtQueue::kSwap);
  EXPECT_EQ(drain(), 200_us);
}

TEST_F(SlowDisk, ReadsOvertakeWaitingWrites) {
  m.disks.submit_swap_writes(ios(1), 0, mm::WbtQueue::kSwap);
  const std::vector<mm::SwapIo> later = ios(1);
  m.disks.submit_swap_writes(later, 0, mm::WbtQueue::kSwap);
  mm::SwapIo read = io();
  host::Page& page = m.host.pages[read.page];
  page.clear(host::kPageWriteback);
  page.set(host::kPageLocked);
  m.disks.submit_swap_reads({read});
  m.pass(205_us);
  EXPECT_FALSE(m.host.pages[read.page].has(host::kPageLocked));
  EXPECT_TRUE(m.host.pages[later[0].page].has(host::kPageWriteback));
}

TEST_F(SlowDisk, AWaitingWriteIsLetThroughAfterSixteenReads) {
  const std::vector<mm::SwapIo> write = ios(1);
  std::vector<mm::SwapIo> reads = ios(40);
  for (const mm::SwapIo& io : reads) {
    m.host.pages[io.page].clear(host::kPageWriteback);
    m.host.pages[io.page].set(host::kPageLocked);
  }
  m.disks.submit_swap_reads({reads[0]});
  m.disks.submit_swap_writes(write, 0, mm::WbtQueue::kSwap);
  for (size_t i = 1; i < reads.size(); ++i) m.disks.submit_swap_reads({reads[i]});
  m.pass(100_us * 16 + 50_us);
  EXPECT_TRUE(m.host.pages[write[0].page].has(host::kPageWriteback));
  m.pass(100_us);
  EXPECT_FALSE(m.host.pages[write[0].page].has(host::kPageWriteback));
}

TEST_F(Disk, TheEndOfAWriteIsAccountedToItsZone) {
  m.disks.submit_swap_writes(ios(4), 0, mm::WbtQueue::kSwap);
  EXPECT_EQ(m.zone().write_pending, 4);
  drain();
  EXPECT_EQ(m.zone().write_pending, 0);
  EXPECT_EQ(m.node().nr_writeback, 0);
  EXPECT_EQ(m.count(Vmstat::nr_written), 4);
}

}  // namespace
}  // namespace oomcast::sim
