// The host is built from its description: which pages are on which lists when the program starts.
#include <gtest/gtest.h>

#include "model/host/host.h"
#include "model/spec/json/json_host.h"
#include "model/spec/read_host.h"

namespace oomcast::host {
namespace {

Host machine(const std::string& json) {
  auto spec = parse_json(json, "", "hand");
  EXPECT_TRUE(spec) << spec.error().message;
  return Host(spec ? std::move(spec).value() : preset("vm-1g").value());
}

int64_t anon(const Host& host, host::CgroupIndex group) {
  return host.nodes[0].lruvec(group).list(LruKindIndex::kInactiveAnon).size() +
         host.nodes[0].lruvec(group).list(LruKindIndex::kActiveAnon).size();
}
int64_t file(const Host& host, host::CgroupIndex group) {
  return host.nodes[0].lruvec(group).list(LruKindIndex::kInactiveFile).size() +
         host.nodes[0].lruvec(group).list(LruKindIndex::kActiveFile).size();
}

// A group of 12 MiB of tmpfs among 16 MiB of "file", and a process of 4 MiB; 200 MiB of page cache on the host.
std::string with_group(const std::string& shmem) {
  return R"({"schema": "oomcast.host.v1",
    "nodes": [{"managed": "1G", "lru_pages": {"inactive_anon": 20000, "active_anon": 1000, "inactive_file": 40000, "active_file": 11200}}],
    "processes": [{"pid": 500, "comm": "app", "rss_anon_pages": 1024}],
    "cgroups": [{"path": "/lxc1", "memory.max": "64M", "memory.swap.max": 0, "memory.current": "20M", "file": "16M",)" +
         shmem + R"( "procs": [500]}]})";
}

TEST(HostAtStart, SharedMemoryOfAGroupIsOnItsAnonymousLists) {
  const Host host = machine(with_group(R"("shmem": "12M",)"));
  EXPECT_EQ(file(host, 1), 1024);
  EXPECT_EQ(anon(host, 1), 1024 + 3072);
  EXPECT_EQ(anon(host, 0) + anon(host, 1), 21000) << "and no page more than the host's lists hold";
  EXPECT_EQ(host.cgroups[1].usage, 5120);
}

TEST(HostAtStart, WithoutSharedMemoryAllOfItIsPageCache) {
  const Host host = machine(with_group(""));
  EXPECT_EQ(file(host, 1), 4096);
  EXPECT_EQ(anon(host, 1), 1024);
}

TEST(HostAtStart, AGroupIsChargedAlikeWithBothLrus) {
  std::string json = with_group(R"("shmem": "12M",)");
  const int64_t classic = machine(json).cgroups[1].usage;
  json.replace(json.find("\"nodes\""), 0, R"("kernel": "6.12", "lru": "mglru", )");
  const Host multi_gen = machine(json);
  ASSERT_EQ(multi_gen.spec.lru, LruKind::kMultiGen);
  EXPECT_EQ(multi_gen.cgroups[1].usage, classic);
  EXPECT_EQ(multi_gen.cgroups[1].kernel, 0) << "all of it is on lists";
}

TEST(HostAtStart, ProtectionWithoutALimitProtectsAll) {
  const Host host = machine(R"({"schema": "oomcast.host.v1", "nodes": [{"managed": "1G"}],
    "cgroups": [{"path": "/db", "memory.low": "max", "memory.min": "max"}]})");
  EXPECT_GE(host.cgroups[1].low, 262144);
  EXPECT_GE(host.cgroups[1].min, 262144);
}

TEST(HostAtStart, TheBoostIsCountedOnce) {
  const Host host =
      machine(R"({"schema": "oomcast.host.v1", "nodes": [{"zones": [{"kind": "DMA32", "managed_pages": 193648,
    "free_pages": 59214, "boost_pages": 2048, "watermarks_pages": {"min": 8446, "low": 10557, "high": 12668}}]}]})");
  const Zone& zone = host.nodes[0].zones[ZoneKind::kDma32];
  EXPECT_EQ(zone.min_mark(), 10494);
  EXPECT_EQ(zone.low_mark(), 12605);
  EXPECT_EQ(zone.high_mark(), 14716);
}

// Slab of a host that is out of memory and still has it could not be had.
TEST(HostAtStart, SlabIsNothingToReclaimWhereMemoryIsOutAndSlabStillThere) {
  const auto slab_host = [](const std::string& free) {
    return machine(
        R"({"schema": "oomcast.host.v1", "nodes": [{"slab_reclaimable_pages": 60000, "zones": [{"kind": "DMA32", "managed_pages": 250000,
      "free_pages": )" +
        free + R"(, "watermarks_pages": {"min": 8000, "low": 10000, "high": 12000}}]}]})");
  };
  EXPECT_GT(slab_host("20000").nodes[0].vfs_cache.slab_pages(), 50000);
  EXPECT_EQ(slab_host("7900").nodes[0].vfs_cache.slab_pages(), 0);
}

}  // namespace
}  // namespace oomcast::host
