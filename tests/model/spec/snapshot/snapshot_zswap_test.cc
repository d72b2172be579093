// A snapshot says whether its host has zswap, how large the pool may be, and sometimes how well pages compress.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/model/spec/snapshots.h"

namespace oomcast::host {
namespace {

using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kParameters = "sys/module/zswap/parameters/";

SnapshotFiles with_zswap(const char* of = "swap-seq-1node") {
  SnapshotFiles snapshot = load(of);
  snapshot.files[kParameters + "enabled"] = "Y\n";
  snapshot.files[kParameters + "max_pool_percent"] = "25\n";
  snapshot.files[kParameters + "accept_threshold_percent"] = "80\n";
  snapshot.files[kParameters + "zpool"] = "zsmalloc\n";
  snapshot.files[kParameters + "compressor"] = "zstd\n";
  return snapshot;
}

TEST(SnapshotZswap, ItsParametersAreRead) {
  const auto host = parse_snapshot(with_zswap());
  ASSERT_TRUE(host) << host.error().message;
  const ZswapSpec& zswap = host->zswap;
  EXPECT_TRUE(zswap.enabled);
  EXPECT_EQ(zswap.max_pool_percent, 25);
  EXPECT_EQ(zswap.accept_threshold_percent, 80);
  EXPECT_EQ(zswap.zpool, Zpool::kZsmalloc);
  EXPECT_EQ(zswap.compressor, "zstd");
  EXPECT_GT(zswap.compress, zswap.decompress);
}

TEST(SnapshotZswap, AHostThatHasItOffIsAHostWithout) {
  SnapshotFiles snapshot = with_zswap();
  snapshot.files[kParameters + "enabled"] = "N\n";
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_FALSE(host->zswap.enabled);
  EXPECT_THAT(host->assumed, Each(Not(StartsWith("zswap"))));
}

TEST(SnapshotZswap, HowWellPagesCompressIsAssumedWhereThePoolIsEmpty) {
  const auto host = parse_snapshot(with_zswap());
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_EQ(host->zswap.stored_percent, 33);
  EXPECT_THAT(host->assumed, Contains(StartsWith("zswap.stored_percent: 33")));
}

TEST(SnapshotZswap, HowWellPagesCompressFollowsFromWhatThePoolHolds) {
  SnapshotFiles snapshot = with_zswap();
  snapshot.files["proc/meminfo"] += "Zswap:             16000 kB\nZswapped:          40000 kB\n";
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_EQ(host->zswap.stored_percent, 40);
  EXPECT_EQ(host->zswap.pool, Pages(4000));
  EXPECT_THAT(host->assumed, Not(Contains(StartsWith("zswap.stored_percent"))));
}

TEST(SnapshotZswap, DebugfsKnowsThePagesOfOneValueToo) {
  SnapshotFiles snapshot = with_zswap();
  const std::string debug = "sys/kernel/debug/zswap/";
  snapshot.files[debug + "pool_total_size"] = "16384000\n";  // 4000 pages
  snapshot.files[debug + "stored_pages"] = "10000\n";
  snapshot.files[debug + "same_filled_pages"] = "2000\n";
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_EQ(host->zswap.stored_percent, 50);
  EXPECT_EQ(host->zswap.same_filled_percent, 20);
}

TEST(SnapshotZswap, HowWellPagesCompressDoesNotFollowFromZbud) {
  SnapshotFiles snapshot = with_zswap();
  snapshot.files[kParameters + "zpool"] = "zbud\n";
  snapshot.files["proc/meminfo"] += "Zswap:             20000 kB\nZswapped:          40000 kB\n";
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_THAT(host->assumed, Contains(StartsWith("zswap.stored_percent")));
}

TEST(SnapshotZswap, WhatIsNoPercentageIsRefusedByName) {
  SnapshotFiles snapshot = with_zswap();
  snapshot.files[kParameters + "max_pool_percent"] = "400\n";
  const auto host = parse_snapshot(snapshot);
  ASSERT_FALSE(host);
  EXPECT_THAT(host.error().message, HasSubstr("max_pool_percent"));
}

TEST(SnapshotZswap, TheFilesOfAGroupAreRead) {
  SnapshotFiles snapshot = with_zswap();
  snapshot.files["sys/fs/cgroup/app/memory.zswap.max"] = "8388608\n";
  snapshot.files["sys/fs/cgroup/app/memory.zswap.writeback"] = "0\n";
  const auto host = parse_snapshot(snapshot);
  ASSERT_TRUE(host) << host.error().message;
  ASSERT_EQ(host->cgroups.size(), 1u);
  EXPECT_EQ(host->cgroups[0].memory_zswap_max, 8388608);
  EXPECT_FALSE(host->cgroups[0].memory_zswap_writeback);
}

}  // namespace
}  // namespace oomcast::host
