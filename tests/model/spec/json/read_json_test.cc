// Hosts in JSON are read: written by hand or by oomcast itself; and what is refused.
#include <gmock/gmock.h>
#include <oomcast_paths.h>

#include <nlohmann/json.hpp>

#include "model/spec/json/json_host.h"
#include "model/spec/read_host.h"
#include "model/spec/watermarks.h"
#include "tests/model/spec/snapshots.h"

namespace oomcast::host {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kMinimal = R"({
  "schema": "oomcast.host.v1",
  "name": "mine",
  "kernel": "6.1",
  "nodes": [
    {"managed": "8G", "free": "7G", "cpus": [0, 1]}
  ],
  "swap": [{"size": "2G", "priority": -2}],
  "vm": {"swappiness": 10}
})";

HostSpec read(const std::string& text) {
  const auto host = parse_json(text, "h.json", "h");
  EXPECT_TRUE(host) << host.error().message;
  return host ? host.value() : HostSpec{};
}

std::string error_of(const std::string& text) {
  const auto host = parse_json(text, "h.json", "h");
  return host ? "no error" : host.error().message;
}

std::string with(std::string from, std::string to) {
  std::string text = kMinimal;
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(HostJson, AFewLinesAreEnough) {
  const HostSpec host = read(kMinimal);
  EXPECT_EQ(host.name, "mine");
  EXPECT_EQ(host.kernel, (KernelVersion{6, 1}));
  EXPECT_EQ(host.lru, LruKind::kClassic);
  EXPECT_THAT(host.cpus, ElementsAre(0, 1));
  ASSERT_EQ(host.nodes.size(), 1u);
  EXPECT_THAT(host.nodes[0].distance, ElementsAre(10));
  ASSERT_EQ(host.nodes[0].zones.size(), 3u);
  Pages managed, free;
  for (const ZoneSpec& zone : host.nodes[0].zones) {
    managed += zone.managed;
    free += zone.free;
    EXPECT_LT(zone.watermarks.min, zone.watermarks.low);
    EXPECT_EQ(zone.pcp.size(), 2u);
  }
  EXPECT_EQ(to_bytes(managed), Bytes(int64_t{8} << 30));
  EXPECT_EQ(to_bytes(free), Bytes(int64_t{7} << 30));
  EXPECT_EQ(host.total_ram, managed);
  EXPECT_EQ(boot_min_free_kbytes(host), 67584);
  ASSERT_EQ(host.swaps.size(), 1u);
  EXPECT_EQ(host.swaps[0].size, Bytes(int64_t{2} << 30));
  EXPECT_EQ(host.swaps[0].times.read_4k, Nanoseconds(90'000));
  EXPECT_EQ(host.vm.swappiness, 10);
  EXPECT_EQ(host.vm.dirty_ratio, 20);
  EXPECT_THAT(host.assumed, Contains("calibration.page_fault_ns: 800 (not in the file)"));
}

TEST(HostJson, OneNodeAndNothingElseHas97PercentFree) {
  const HostSpec host = read(R"({"schema": "oomcast.host.v1", "kernel": "6.12", "nodes": [{"managed": "400M"}]})");
  EXPECT_EQ(host.lru, LruKind::kMultiGen);
  EXPECT_EQ(host.vm.thp_enabled, ThpMode::kNever);  // below 512 MiB
  EXPECT_EQ(host.nodes[0].zones[0].free + host.nodes[0].zones[1].free, Pages(102400 - 3072));
  EXPECT_EQ(host.cpus.size(), 2u);
  EXPECT_THAT(host.assumed, Contains("cpus: two per node (not in the file)"));
}

TEST(HostJson, AgingThatDoesNotWalkPageTablesSurvivesTheWayThroughTheFile) {
  const HostSpec host = read(
      R"({"schema": "oomcast.host.v1", "kernel": "6.12", "lru_gen_mm_walk": false, "nodes": [{"managed": "400M"}]})");
  EXPECT_FALSE(host.lru_gen_mm_walk);
  EXPECT_FALSE(read(host_to_json(host).dump()).lru_gen_mm_walk);
}

TEST(HostJson, TheSecondNodeBeginsWhereTheFirstEnds) {
  const HostSpec host = read(
      R"({"schema": "oomcast.host.v1", "kernel": "6.1", "cpus": "0-3", "nodes": [{"managed": "1G"}, {"managed": "4G"}]})");
  ASSERT_EQ(host.nodes[0].zones.size(), 2u);
  EXPECT_EQ(host.nodes[0].zones[0].kind, ZoneKind::kDma);
  ASSERT_EQ(host.nodes[1].zones.size(), 2u);
  EXPECT_EQ(host.nodes[1].zones[0].kind, ZoneKind::kDma32);
  EXPECT_EQ(host.nodes[1].zones[1].kind, ZoneKind::kNormal);
  EXPECT_THAT(host.nodes[1].cpus, ElementsAre(2, 3));
  EXPECT_THAT(host.nodes[1].distance, ElementsAre(20, 10));
  EXPECT_EQ(host.vm.numa_balancing, 1);
}

TEST(HostJson, ACgroupUnderItsFileNames) {
  const HostSpec host =
      read(with("\"vm\"", "\"cgroup\": {\"memory.max\": \"512M\", \"memory.swap.max\": \"max\"}, \"vm\""));
  EXPECT_TRUE(host.cgroup.present);
  EXPECT_EQ(host.cgroup.memory_max, int64_t{512} << 20);
  EXPECT_EQ(host.cgroup.memory_swap_max, -1);
}

TEST(HostJson, AGroupOfVersion1LosesNothingWhenItIsWritten) {
  const HostSpec host =
      read(with("\"vm\"", R"("cgroup": {"memory.limit_in_bytes": "512M", "memory.memsw.limit_in_bytes":
      "600M", "memory.soft_limit_in_bytes": "max", "memory.swappiness": 0, "memory.oom_control": 1}, "vm")"));
  EXPECT_TRUE(host.cgroup.v1);
  EXPECT_EQ(host.cgroup.memory_max, int64_t{512} << 20);
  EXPECT_EQ(host.cgroup.memory_memsw_max, int64_t{600} << 20);
  EXPECT_EQ(host.cgroup.memory_soft_limit, -1);
  EXPECT_EQ(host.cgroup.memory_swappiness, 0);
  EXPECT_TRUE(host.cgroup.memory_oom_kill_disable);
  EXPECT_EQ(host_to_json(read(host_to_json(host).dump())), host_to_json(host));
}

TEST(HostJson, ZswapIsOnWhereItIsNamedAndSaysWhatItAssumes) {
  const HostSpec host = read(R"({"schema": "oomcast.host.v1", "kernel": "6.1", "nodes": [{"managed": "1G"}],
    "swap": [{"size": "1G"}], "zswap": {"max_pool_percent": 30},
    "cgroup": {"memory.zswap.max": "8M", "memory.zswap.writeback": 0}})");
  EXPECT_TRUE(host.zswap.enabled);
  EXPECT_EQ(host.zswap.max_pool_percent, 30);
  EXPECT_EQ(host.zswap.zpool, Zpool::kZbud);  // what 6.1 uses where nobody chose
  EXPECT_THAT(host.assumed, testing::Contains(testing::StartsWith("zswap.stored_percent: 33")));
  EXPECT_EQ(host.cgroup.memory_zswap_max, int64_t{8} << 20);
  EXPECT_FALSE(host.cgroup.memory_zswap_writeback);
  EXPECT_EQ(to_json(read(to_json(host))), to_json(host));
}

TEST(HostJson, AHostWithoutZswapDoesNotMentionIt) {
  const HostSpec host = read(R"({"schema": "oomcast.host.v1", "nodes": [{"managed": "1G"}]})");
  EXPECT_FALSE(host.zswap.enabled);
  EXPECT_THAT(to_json(host), testing::Not(HasSubstr("zswap")));
}

TEST(HostJson, FilesInThePageCacheFillTheListsWhereNobodySaysWhatIsOnThem) {
  const HostSpec host = read(R"({"schema": "oomcast.host.v1", "nodes": [{"managed": "1G"}, {"managed": "1G"}],
    "page_cache": [{"file": "/a", "bytes": "64M", "active_percent": 25}, {"file": "/b", "bytes": "8M", "dirty_bytes": "1M"}],
    "background": [{"comm": "tar", "file": "/b", "file_bytes": "1G", "read_bytes_s": "10M"}]})");
  ASSERT_EQ(host.page_cache.size(), 2u);
  EXPECT_EQ(host.nodes[1].lru.active_file, Pages(2048));
  EXPECT_EQ(host.nodes[1].lru.inactive_file, Pages(6144 + 1024));
  EXPECT_EQ(host.background[0].read_bytes_s, int64_t{10} << 20);
  EXPECT_TRUE(host.background[0].sequential);
  EXPECT_EQ(to_json(read(to_json(host))), to_json(host));
}

TEST(HostJson, FilesThatTheListsCannotHoldAreRefused) {
  const auto error = [](const std::string& more) {
    const auto host = parse_json(
        R"({"schema": "oomcast.host.v1", "nodes": [{"managed": "1G", "lru_pages": {"inactive_file": 100}}], )" + more +
            "}",
        "h.json", "h");
    return host ? std::string("none") : host.error().message;
  };
  EXPECT_THAT(
      error(R"("page_cache": [{"file": "/a", "bytes": "64M"}])"),
      HasSubstr("page_cache[0].bytes: the files named so far have 16384 pages, the host's file lists only 100"));
  EXPECT_THAT(error(R"("background": [{"file": "/b", "file_bytes": "1G"}])"),
              HasSubstr("either read_bytes_s or write_bytes_s has to be given"));
  EXPECT_THAT(error(R"("background": [{"file": "/b", "file_bytes": "1G", "read_bytes_s": 1, "pid": 9}])"),
              HasSubstr("no process of that pid"));
}

TEST(HostJson, WhatWeWriteWeReadBackTheSame) {
  for (const char* name : {"oom-noswap-2node", "swap-seq-1node", "victim-adj", "k612-oom-2node"}) {
    auto host = read_snapshot(hosts_directory() + "/" + name);
    ASSERT_TRUE(host) << host.error().message;
    ASSERT_TRUE(set_cgroup(host.value(), "memory.high=64M"));
    host->nodes[0].zones[0].boost = Pages(3);
    host->nodes[0].unreclaimable = true;
    host->processes[0].comm = "a \"b\" \xff";  // not UTF-8: replaced once, then stable
    const std::string once = to_json(host.value());
    const HostSpec again = read(once);
    EXPECT_EQ(to_json(again), once) << name;
    EXPECT_EQ(again.kernel, host->kernel);
    EXPECT_EQ(again.assumed, host->assumed);
  }
}

struct Refusal {
  const char* name;
  const char* from;
  const char* to;
  const char* error;
};

class RefusedJson : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedJson, NamesFileLineAndKey) {
  EXPECT_THAT(error_of(with(GetParam().from, GetParam().to)), StartsWith(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedJson,
    testing::Values(
        Refusal{"NotJson", "\"8G\",", "\"8G\"", "h.json:6: not JSON here; is a comma, quote or brace missing?"},
        Refusal{"Schema", "host.v1", "host.v9", "h.json:2: schema: 'oomcast.host.v9' is not oomcast.host.v1"},
        Refusal{"NoSchema", "\"schema\": \"oomcast.host.v1\",", "",
                "h.json:1: schema: missing; write \"schema\": \"oomcast.host.v1\""},
        Refusal{"UnknownKey", "swappiness", "swapiness",
                "h.json:9: vm.swapiness: unknown key; did you mean 'swappiness'?"},
        Refusal{"UnknownKeyOfANode", "\"free\"", "\"fre\"",
                "h.json:6: nodes[0].fre: unknown key; did you mean 'free'?"},
        Refusal{"KeyTwice", "\"name\": \"mine\"", "\"kernel\": \"6.1\"",
                "h.json:4: kernel: the key stands twice; leave one out"},
        Refusal{"FreeAboveManaged", "7G", "9G",
                "h.json:6: nodes[0].free: 2359296 pages free of 2097152 managed; free never exceeds managed"},
        Refusal{"Negative", "\"7G\"", "-1",
                "h.json:6: nodes[0].free: '-1', expected a size such as \"8G\", \"512M\" or bytes, at most 64T"},
        Refusal{"TooBig", "\"8G\"", "\"65T\"", "h.json:6: nodes[0].managed: \"65T\", expected a size"},
        Refusal{"Overflow", "\"8G\"", "99999999999999999999", "h.json:6: nodes[0].managed: '1e+20', expected a size"},
        Refusal{"HugeExponent", "\"8G\"", "1e999", "h.json:1: holds a number that is too large"},
        Refusal{"NoMemory", "\"8G\"", "0", "h.json:6: nodes[0].managed: no memory; give at least 16M"},
        Refusal{"NoNodes", "{\"managed\": \"8G\", \"free\": \"7G\", \"cpus\": [0, 1]}", "",
                "h.json:5: nodes: missing or empty; give at least {\"managed\": \"8G\"}"},
        Refusal{"NodesNoList", "[\n    {\"managed\": \"8G\", \"free\": \"7G\", \"cpus\": [0, 1]}\n  ]", "3",
                "h.json:5: nodes: '3', expected a list in brackets"},
        Refusal{"CpuTwice", "[0, 1]", "[0, 0]", "h.json:6: nodes[0].cpus: CPU 0 comes twice or out of order"},
        Refusal{"CpuAbsurd", "[0, 1]", "[9000]",
                "h.json:6: nodes[0].cpus[0]: '9000', expected a whole number from 0 to 8191"},
        Refusal{"Distance", "[0, 1]", "[0], \"distance\": [10, 20]",
                "h.json:6: nodes[0].distance: 2 distances for 1 nodes; give one per node"},
        Refusal{"KernelNoText", "\"6.1\"", "6.1", "h.json:4: kernel: '6.1', expected a text in quotes"},
        Refusal{"KernelNoVersion", "\"6.1\"", "\"bookworm\"",
                "h.json:4: kernel: 'bookworm' does not begin with MAJOR.MINOR, for example \"6.1\""},
        Refusal{"SwapWithoutSize", "\"size\": \"2G\", ", "",
                "h.json:8: swap[0].size: missing; for example \"size\": \"2G\""},
        Refusal{"SwapOveruse", "\"size\": \"2G\"", "\"size\": \"2G\", \"used\": \"3G\"",
                "h.json:8: swap[0].used: 3221225472 bytes used of 2147483648"},
        Refusal{"SwappinessRange", ": 10}", ": 300}",
                "h.json:9: vm.swappiness: '300', expected a whole number from 0 to 200"},
        Refusal{"SwapBeyondItsSlots", "\"2G\"", "\"600G\"", "h.json:8: swap[0].size"},
        Refusal{"SwappinessFraction", ": 10}", ": 10.5}", "h.json:9: vm.swappiness: '10.5', expected a whole number"},
        Refusal{"UnknownZone", "\"managed\": \"8G\", \"free\": \"7G\"",
                "\"zones\": [{\"kind\": \"HighMem\", \"managed_pages\": 5}]",
                "h.json:6: nodes[0].zones[0].kind: zone 'HighMem' is unknown"},
        Refusal{"BothWays", "\"free\": \"7G\"", "\"zones\": [{\"kind\": \"DMA32\", \"managed_pages\": 5}]",
                "h.json:6: nodes[0].managed: given together with zones, which say the same; leave one out"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(HostJson, AMissingFileAndADirectoryAreToldApart) {
  EXPECT_EQ(read_host("/nowhere.json").error().message, "/nowhere.json: no such file or directory; check the name");
  EXPECT_THAT(read_host("no/where.json").error().message, HasSubstr("no such file or directory"));
  EXPECT_THAT(read_host("vm-4").error().message,
              StartsWith("host 'vm-4' is neither a file, a directory nor a preset; did you mean 'vm-4g'?"));
  EXPECT_THAT(read_host("").error().message, HasSubstr("no host given"));
}

TEST(Presets, EachIsValidAndRoundTrips) {
  EXPECT_GE(presets().size(), 12u);
  for (const Preset& one : presets()) {
    const auto host = read_host(one.name);
    ASSERT_TRUE(host) << host.error().message;
    EXPECT_TRUE(validate(host.value()));
    EXPECT_EQ(host->name, one.name);
    const std::string text = to_json(host.value());
    EXPECT_EQ(to_json(read(text)), text) << one.name;
    for (const NodeSpec& node : host->nodes) {
      for (const ZoneSpec& zone : node.zones) EXPECT_GT(zone.free, zone.watermarks.high) << one.name;
    }
  }
}

TEST(Presets, AVirtualMachineShowsTheMemTotalThatOneHas) {
  // 512 MiB: measured cloud VMs of this size manage 120004 to 120155 pages.
  const auto small = preset("small-512m");
  ASSERT_TRUE(small);
  EXPECT_NEAR(static_cast<double>(small->total_ram.count()), 120'080, 200);
}

// Every key that is written is in the schema that is installed, and no vm key of the schema is unknown to the reader.
void expect_in_schema(const nlohmann::json& schema, const nlohmann::json& part, const nlohmann::json& value,
                      const std::string& path) {
  if (part.contains("$ref")) {
    const std::string name = part["$ref"].get<std::string>().substr(std::string("#/$defs/").size());
    return expect_in_schema(schema, schema["$defs"][name], value, path);
  }
  if (value.is_array() && part.contains("items")) {
    for (const auto& element : value) expect_in_schema(schema, part["items"], element, path + "[]");
  }
  if (!value.is_object()) return;
  ASSERT_TRUE(part.contains("properties")) << path;
  for (const auto& item : value.items()) {
    ASSERT_TRUE(part["properties"].contains(item.key())) << path << "." << item.key();
    expect_in_schema(schema, part["properties"][item.key()], item.value(), path + "." + item.key());
  }
}

TEST(HostSchema, KnowsEveryKeyThatWeWrite) {
  std::ifstream in(std::string(OOMCAST_SOURCE_DIR) + "/report/schema/oomcast.host.v1.json");
  const nlohmann::json schema = nlohmann::json::parse(in);
  auto host = read_snapshot(hosts_directory() + "/swap-seq-1node");
  ASSERT_TRUE(host);
  ASSERT_TRUE(set_cgroup(host.value(), "memory.max=1G"));
  const auto written = nlohmann::json::parse(to_json(host.value()));
  expect_in_schema(schema, schema, written, "");
  for (const auto& item : schema["properties"]["vm"]["properties"].items())
    EXPECT_TRUE(written["vm"].contains(item.key())) << item.key();
}

}  // namespace
}  // namespace oomcast::host
