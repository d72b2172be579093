// Makes hosts out of OOM reports: the victim's memory is free, what could not be had stays, and all else is listed.
#include "report/oomlog/host_of.h"

#include <gmock/gmock.h>

#include "model/spec/read_host.h"
#include "report/oomlog/parse_oom_report.h"
#include "tests/report/oomlog/logs.h"

namespace oomcast::oomlog {
namespace {

using testing::Contains;
using testing::HasSubstr;

Result<host::HostSpec> host_in(const std::string& log) {
  return host_of(parse_oom_report(log, "kern.log", std::nullopt).value(), "kern.log");
}

TEST(HostOf, TheVictimsMemoryIsFreeAgain) {
  const auto spec = host_in(kHost61);
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  const host::NodeSpec& node = spec->nodes.at(0);
  const host::ZoneSpec& zone = node.zones.at(1);
  Pages free;
  for (const host::ZoneSpec& each : node.zones) free += each.free;
  const int64_t before = (7600 + 42800) / 4, victim = 1199000 / 4 + 600;
  EXPECT_NEAR(static_cast<double>(free.count()), static_cast<double>(before + victim), 2);
  EXPECT_EQ(zone.watermarks.min, Pages((48600 - 4000) / 4));  // the kernel prints the boost with the mark
  EXPECT_EQ(zone.boost, Pages(1000));
  EXPECT_EQ(spec->processes.size(), 3u);
  EXPECT_EQ(spec->total_swap(), Pages(0));
  EXPECT_THAT(spec->assumed, Contains(HasSubstr("without pid 4700")));
}

TEST(HostOf, WhatCouldNotBeHadStays) {
  const auto spec = host_in(kHost61);
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->nodes[0].slab_reclaimable, Pages(0));
  EXPECT_EQ(spec->nodes[0].slab_unreclaimable, Pages(13000));
  EXPECT_EQ(spec->nodes[0].lru.inactive_file + spec->nodes[0].lru.active_file, Pages(0));
  EXPECT_EQ(spec->nodes[0].lru.unevictable, Pages(350));
}

TEST(HostOf, OldCountersOfZonesAndSwapAreTaken) {
  const auto spec = host_in(kHostRhel7);
  ASSERT_TRUE(spec.ok()) << spec.error().message;
  ASSERT_EQ(spec->nodes.size(), 2u);
  EXPECT_EQ(spec->nodes[1].slab_unreclaimable, Pages((10000 + 17984) / 4));
  EXPECT_EQ(spec->total_swap(), Pages(1048572 / 4));
  EXPECT_EQ(to_pages(spec->swaps[0].used), Pages(1048572 / 4 - 200000));
  EXPECT_EQ(spec->kernel, (host::KernelVersion{3, 10}));
}

TEST(HostOf, ItIsTheSameAfterBeingWrittenAsJson) {
  const auto spec = host_in(kHostRhel7);
  ASSERT_TRUE(spec.ok());
  const std::string json = host::to_json(spec.value());
  const auto again = host::parse_host_text(json, "again.json");
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->nodes[1].zones[0].free, spec->nodes[1].zones[0].free);
}

TEST(HostOf, ACgroupsKillDescribesNoHost) {
  const auto spec = host_in(kMemcg54);
  ASSERT_FALSE(spec.ok());
  EXPECT_THAT(spec.error().message, HasSubstr("--cgroup memory.max=524288K"));
}

TEST(HostOf, ALogWithoutZonesIsRefused) {
  const auto spec = host_in(kHost61.substr(kHost61.find("[  812.100360]")));
  ASSERT_FALSE(spec.ok());
  EXPECT_THAT(spec.error().message, HasSubstr("no lines of zones"));
}

TEST(HostOf, ALogWhoseZonesHaveNoMemoryIsRefused) {
  std::string log = kHost61;
  for (size_t at = 0; (at = log.find("managed:", at)) != log.npos;) {
    at += 8;
    log.replace(at, log.find("kB", at) - at, "0");
  }
  const auto spec = host_in(log);
  ASSERT_FALSE(spec.ok());
  EXPECT_THAT(spec.error().message, HasSubstr("no zone of the OOM report has memory"));
}

}  // namespace
}  // namespace oomcast::oomlog
