// Neighbours in a host file hold memory: what they have is on the host's lists and not free.
#include "model/spec/neighbours.h"

#include <gmock/gmock.h>

#include "model/spec/json/json_host.h"
#include "model/spec/read_host.h"

namespace oomcast::host {
namespace {

using testing::Contains;
using testing::HasSubstr;

HostSpec read(const std::string& json) {
  auto host = parse_json(json, "", "hand");
  EXPECT_TRUE(host) << host.error().message;
  return host ? std::move(host).value() : HostSpec{};
}
std::string error_of(const std::string& json) {
  const auto host = parse_json(json, "hand.json", "hand");
  return host ? "no error" : host.error().message;
}
std::string machine(const std::string& rest, const std::string& node = R"("managed": "1G")") {
  return R"({"schema": "oomcast.host.v1", "nodes": [{)" + node + "}], " + rest + "}";
}
std::string process(int pid, const std::string& fields) {
  return R"({"pid": )" + std::to_string(pid) + ", " + fields + "}";
}

struct Sums {
  Pages free, anon, file;
};
Sums sums(const HostSpec& host) {
  Sums sum;
  for (const NodeSpec& node : host.nodes) {
    for (const ZoneSpec& zone : node.zones) {
      sum.free += zone.free;
      sum.anon += zone.lru.inactive_anon + zone.lru.active_anon;
      sum.file += zone.lru.inactive_file + zone.lru.active_file;
    }
  }
  return sum;
}

TEST(Neighbours, OfAHostWithoutListsTakeFreeMemory) {
  const Sums without = sums(read(machine(R"("processes": [])")));
  const HostSpec host =
      read(machine(R"("processes": [)" + process(7, R"("rss_anon_pages": 50000, "rss_file_pages": 2000)") + "]"));
  EXPECT_EQ(sums(host).anon, Pages(50000));
  EXPECT_EQ(sums(host).file, Pages(2000));
  EXPECT_EQ(sums(host).free, without.free - Pages(52000));
  EXPECT_EQ(host.nodes[0].lru.inactive_anon, Pages(50000));
  EXPECT_THAT(host.assumed, Contains(HasSubstr("50000 of them taken from free memory")));
}

TEST(Neighbours, AddedToAPresetTakeFreeMemoryOfBothNodes) {
  HostSpec host = preset("two-node-2x512m").value();
  const HostSpec before = host;
  ASSERT_TRUE(set_field(host, "processes[4].pid=900"));
  EXPECT_EQ(sums(host).free, sums(before).free);
  const auto done = set_field(host, "processes[4].rss_anon_pages=190000");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(sums(host).free, sums(before).free - Pages(190000));
  EXPECT_EQ(sums(host).anon, sums(before).anon + Pages(190000));
  EXPECT_GT(host.nodes[0].lru.inactive_anon, before.nodes[0].lru.inactive_anon + Pages(60000));
  EXPECT_GT(host.nodes[1].lru.inactive_anon, before.nodes[1].lru.inactive_anon + Pages(60000));
}

TEST(Neighbours, ThatDoNotFitAreRefused) {
  EXPECT_THAT(
      error_of(machine(R"("processes": [)" + process(7, R"("rss_anon_pages": 200000)") + "," +
                       process(8, R"("rss_anon_pages": 90000)") + "]")),
      testing::AllOf(HasSubstr("hand.json:1: processes[0].rss_anon_pages: the processes hold 290000 pages beyond"),
                     HasSubstr("are free")));
}

TEST(Neighbours, MayBeWhatIsInUseAlready) {
  const HostSpec host = read(machine(R"("processes": [)" + process(7, R"("rss_anon_pages": 50000)") + "]",
                                     R"("managed": "1G", "free": "700M")"));
  EXPECT_EQ(sums(host).free, Pages(700 * 256)) << "324 MiB are in use, and nothing else says by whom";
  EXPECT_EQ(sums(host).anon, Pages(50000));
}

TEST(Neighbours, OnTheListsAlreadyChangeNothing) {
  const std::string lists =
      R"("managed": "1G", "lru_pages": {"inactive_anon": 30000, "active_anon": 20000, "inactive_file": 9000})";
  const std::string processes =
      R"("processes": [)" + process(7, R"("rss_anon_pages": 50000, "rss_file_pages": 300)") + "]";
  EXPECT_EQ(sums(read(machine(processes, lists))).free, sums(read(machine(R"("processes": [])", lists))).free);
}

TEST(Neighbours, ThatShareMemoryByForkAreReadBackTheSame) {
  HostSpec host =
      read(machine(R"("shared_anon_pages": 40000, "processes": [)" + process(7, R"("rss_anon_pages": 50000)") + "," +
                   process(8, R"("rss_anon_pages": 45000)") + "]"));
  EXPECT_EQ(sums(host).anon, Pages(55000));
  EXPECT_EQ(to_json(read(to_json(host))), to_json(host));
}

TEST(Neighbours, InSwapUseTheDevices) {
  const std::string swapped = R"("processes": [)" + process(7, R"("rss_anon_pages": 10, "swap_pages": 1000)") + "]";
  EXPECT_EQ(read(machine(R"("swap": [{"size": "1G"}], )" + swapped)).swaps[0].used, Bytes(4096000));
  EXPECT_THAT(error_of(machine(swapped)), HasSubstr("processes[0].swap_pages: the processes have 1000 pages in swap"));
}

}  // namespace
}  // namespace oomcast::host
