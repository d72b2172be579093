// zswap's way back to the device: a full pool, and from Linux 6.8 on the shrinker.
#include <gtest/gtest.h>

#include "tests/support/zswap_machine.h"

namespace oomcast::mm {
namespace {

using host::Vmstat;
using host::Zpool;
using support::zswap_host;
using support::zswap_host_612;
using support::ZswapMachine;
const std::vector<std::string> kAddsUp;

TEST(ZswapWriteback, In61TheWorkerFreesAPageOrTwoOfAFullPool) {
  ZswapMachine m(zswap_host(Zpool::kZbud, Pages(4000)));
  m.overfill(1000);
  EXPECT_EQ(m.count(Vmstat::zswpwb) % 2, 0);
  EXPECT_GT(m.count(Vmstat::zswpwb), 0);
  EXPECT_LT(m.count(Vmstat::zswpwb), 10);
  EXPECT_LE(m.pool(), zswap_max_pages(m.k));
  EXPECT_GE(m.pool(), zswap_max_pages(m.k) - 2);
  EXPECT_TRUE(m.zswap().reached_full);
  EXPECT_EQ(m.audit(), kAddsUp);
}

TEST(ZswapWriteback, In61ZsmallocCannotBeWrittenBack) {
  ZswapMachine m(zswap_host(Zpool::kZsmalloc, Pages(4000)));
  m.overfill(1500);
  EXPECT_EQ(m.count(Vmstat::zswpwb), 0);
  EXPECT_EQ(m.pool(), zswap_max_pages(m.k) + 1);
}

TEST(ZswapWriteback, In612TheWorkerShrinksThePoolToItsThreshold) {
  ZswapMachine m(zswap_host_612(Zpool::kZsmalloc, Pages(4000)));
  m.overfill(1500);
  EXPECT_LE(m.pool(), zswap_accept_pages(m.k));
  EXPECT_GT(m.pool(), zswap_accept_pages(m.k) - 5);
  EXPECT_EQ(m.count(Vmstat::pswpout), 1500 - m.count(Vmstat::zswpout) + m.count(Vmstat::zswpwb));
  EXPECT_EQ(m.audit(), kAddsUp);
}

TEST(ZswapWriteback, APageThatWasWrittenBackIsReadFromTheDevice) {
  ZswapMachine m(zswap_host_612(Zpool::kZsmalloc, Pages(4000)));
  m.overfill(1500);
  m.squeeze(2);  // the copies in the swap cache go
  EXPECT_EQ(m.read(m.app, 0, 1500), 1500);
  EXPECT_GT(m.count(Vmstat::pswpin), 0);
  EXPECT_GT(m.count(Vmstat::zswpin), 0);
  EXPECT_EQ(m.audit(), kAddsUp);
}

/// 1,000 entries of the root, and a shrinker that scans 128 of them each time.
class ZswapShrinker : public testing::Test {
 protected:
  static host::HostSpec with_shrinker(bool enabled) {
    host::HostSpec spec = zswap_host_612(Zpool::kZsmalloc);
    spec.zswap.shrinker_enabled = enabled;
    return spec;
  }
  static void shrink(ZswapMachine& m, int times) {
    m.run([&] {
      m.k.sched.current().memalloc = true;
      for (int i = 0; i < times; ++i) zswap_shrink(m.k, 0, host::kRootCgroup, 0);
    });
  }
  static void fill(ZswapMachine& m) {
    m.touch(m.app, 0, 1000);
    m.squeeze(2);
  }
};

TEST_F(ZswapShrinker, GivesEachEntryASecondChance) {
  ZswapMachine m(with_shrinker(true));
  fill(m);
  shrink(m, 7);  // all entries are new: a scan that writes none back ends the call
  EXPECT_EQ(m.count(Vmstat::zswpwb), 0);
  shrink(m, 1);
  EXPECT_GT(m.count(Vmstat::zswpwb), 300);
  EXPECT_EQ(m.audit(), kAddsUp);
}

TEST_F(ZswapShrinker, LeavesAsManyAsWereReadFromTheDevice) {
  ZswapMachine m(with_shrinker(true));
  fill(m);
  m.node().lruvec(host::kRootCgroup).disk_swapins = 20'000;
  shrink(m, 16);
  EXPECT_EQ(m.count(Vmstat::zswpwb), 0);
}

TEST_F(ZswapShrinker, IsOffUnlessItIsAskedFor) {
  ZswapMachine m(with_shrinker(false));
  fill(m);
  shrink(m, 16);
  EXPECT_EQ(m.count(Vmstat::zswpwb), 0);
}

}  // namespace
}  // namespace oomcast::mm
