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
constexpr Nanoseconds kSecond{1'000'000'000};
const std::vector<std::string> kAddsUp;

TEST(ZswapWriteback, In61TheWorkerFreesAPageOrTwoOfAFullPool) {
  ZswapMachine m(zswap_host(Zpool::kZbud, Pages(4000)));
  m.start_worker();
  m.touch(m.app, 0, 1000);
  m.squeeze(2);
  m.pass(kSecond);
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
  m.start_worker();
  m.touch(m.app, 0, 1500);
  m.squeeze(2);
  m.pass(kSecond);
  EXPECT_EQ(m.count(Vmstat::zswpwb), 0);
  EXPECT_EQ(m.pool(), zswap_max_pages(m.k) + 1);
}

TEST(ZswapWriteback, In612TheWorkerShrinksThePoolToItsThreshold) {
  ZswapMachine m(zswap_host_612(Zpool::kZsmalloc, Pages(4000)));
  m.start_worker();
  m.touch(m.app, 0, 1500);
  m.squeeze(2);
  m.pass(kSecond);
  EXPECT_LE(m.pool(), zswap_accept_pages(m.k));
  EXPECT_GT(m.pool(), zswap_accept_pages(m.k) - 5);
  EXPECT_EQ(m.count(Vmstat::pswpout), 1500 - m.count(Vmstat::zswpout) + m.count(Vmstat::zswpwb));
  EXPECT_EQ(m.audit(), kAddsUp);
}

TEST(ZswapWriteback, APageThatWasWrittenBackIsReadFromTheDevice) {
  ZswapMachine m(zswap_host_612(Zpool::kZsmalloc, Pages(4000)));
  m.start_worker();
  m.touch(m.app, 0, 1500);
  m.squeeze(2);
  m.pass(kSecond);
  m.squeeze(2);  // the copies in the swap cache go
  EXPECT_EQ(m.read(m.app, 0, 1500), 1500);
  EXPECT_GT(m.count(Vmstat::pswpin), 0);
  EXPECT_GT(m.count(Vmstat::zswpin), 0);
  EXPECT_EQ(m.audit(), kAddsUp);
}

TEST(ZswapWriteback, TheShrinkerGivesEachEntryASecondChance) {
  host::HostSpec spec = zswap_host_612(Zpool::kZsmalloc);
  spec.zswap.shrinker_enabled = true;
  ZswapMachine m(spec);
  m.touch(m.app, 0, 1000);
  m.squeeze(2);
  const auto shrink = [&] {
    m.run([&] {
      m.k.sched.current().memalloc = true;
      zswap_shrink(m.k, 0, host::kRootCgroup, 0);
    });
  };
  for (int i = 0; i < 7; ++i) shrink();  // 128 looks each, at entries that are new: a round that finds nothing ends
  EXPECT_EQ(m.count(Vmstat::zswpwb), 0);
  shrink();
  EXPECT_GT(m.count(Vmstat::zswpwb), 300);
  EXPECT_EQ(m.audit(), kAddsUp);
}

TEST(ZswapWriteback, ReadsFromTheDeviceSpareWhatTheShrinkerWouldTake) {
  host::HostSpec spec = zswap_host_612(Zpool::kZsmalloc);
  spec.zswap.shrinker_enabled = true;
  ZswapMachine m(spec);
  m.touch(m.app, 0, 1000);
  m.squeeze(2);
  m.k.zswap.disk_swapins[{host::NodeIndex(0), host::kRootCgroup}] = 5000;
  m.run([&] {
    m.k.sched.current().memalloc = true;
    for (int i = 0; i < 4; ++i) zswap_shrink(m.k, 0, host::kRootCgroup, 0);
  });
  EXPECT_EQ(m.count(Vmstat::zswpwb), 0);
}

TEST(ZswapWriteback, TheShrinkerIsOffUnlessItIsAskedFor) {
  ZswapMachine m(zswap_host_612(Zpool::kZsmalloc));
  m.touch(m.app, 0, 1000);
  m.squeeze(2);
  m.run([&] {
    for (int i = 0; i < 4; ++i) zswap_shrink(m.k, 0, host::kRootCgroup, 0);
  });
  EXPECT_EQ(m.count(Vmstat::zswpwb), 0);
}

}  // namespace
}  // namespace oomcast::mm
