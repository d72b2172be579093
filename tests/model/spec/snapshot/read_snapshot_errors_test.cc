// A snapshot with something wrong is refused. Each message word for word, with file and line.
#include <gmock/gmock.h>

#include "model/spec/read_host.h"
#include "tests/model/spec/snapshots.h"

namespace oomcast::host {
namespace {

using testing::StartsWith;

TEST(SnapshotError, NoSuchDirectory) {
  EXPECT_EQ(read_snapshot("/nowhere").error().message,
            "/nowhere: is not a directory; give one that holds proc/zoneinfo, 'oomcast host capture DIR' makes one");
}

TEST(SnapshotError, NoZoneinfo) {
  SnapshotFiles snapshot = load("victim-adj");
  snapshot.files.erase("proc/zoneinfo");
  EXPECT_EQ(error_of(snapshot),
            "snap/proc/zoneinfo: not there; a snapshot keeps the kernel's files under their own paths, 'oomcast host "
            "capture DIR' makes one");
}

TEST(SnapshotError, ZoneinfoCutInTheMiddleOfAZone) {
  SnapshotFiles snapshot = load("oom-noswap-2node");
  std::string& text = snapshot.files.at("proc/zoneinfo");
  text.resize(text.find("Node 1, zone    DMA32") + 1500);
  EXPECT_EQ(error_of(snapshot),
            "snap/proc/zoneinfo:171: zone DMA32 of node 1 does not reach its 'start_pfn' line; is the file cut off? "
            "copy the file again from a running "
            "kernel (cat /proc/zoneinfo)");
}

TEST(SnapshotError, ZoneinfoCutBetweenTwoNodes) {
  SnapshotFiles snapshot = load("oom-noswap-2node");
  std::string& text = snapshot.files.at("proc/zoneinfo");
  text.resize(text.find("Node 1, zone      DMA"));
  EXPECT_EQ(error_of(snapshot),
            "snap/sys/devices/system/node/node1/cpulist:1: node 1 is not in proc/zoneinfo; is that file cut off?");
}

TEST(SnapshotError, EmptyZoneinfo) {
  SnapshotFiles snapshot = load("victim-adj");
  snapshot.files["proc/zoneinfo"] = "";
  EXPECT_THAT(error_of(snapshot),
              StartsWith("snap/proc/zoneinfo:1: no zone has memory; is the file empty or cut off?"));
}

struct Damage {
  const char* name;
  const char* path;
  const char* from;
  const char* to;
  const char* error;  // how the sentence begins
};

class DamagedSnapshot : public testing::TestWithParam<Damage> {};

TEST_P(DamagedSnapshot, IsRefusedWithFileAndLine) {
  SnapshotFiles snapshot = load("oom-noswap-2node");
  const Damage& damage = GetParam();
  ASSERT_NO_FATAL_FAILURE(replace(snapshot, damage.path, damage.from, damage.to));
  EXPECT_THAT(error_of(snapshot), StartsWith(damage.error));
}

INSTANTIATE_TEST_SUITE_P(
    All, DamagedSnapshot,
    testing::Values(
        Damage{"FreeAboveManaged", "proc/zoneinfo", "pages free     40878", "pages free     60000",
               "snap/proc/zoneinfo:87: zone DMA32 has 60000 free pages but only 52204 managed; free never exceeds "
               "managed"},
        Damage{"ManagedAbovePresent", "proc/zoneinfo", "present  61440", "present  50000",
               "snap/proc/zoneinfo:94: zone DMA32 has 52204 managed pages but only 50000 present"},
        Damage{"MarksOutOfOrder", "proc/zoneinfo", "low      363", "low      463",
               "snap/proc/zoneinfo:89: zone DMA32 has the watermarks min 291, low 463, high 435; min <= low <= high "
               "has to hold"},
        Damage{"UnknownZone", "proc/zoneinfo", "zone   Normal", "zone  HighMem",
               "snap/proc/zoneinfo:127: zone 'HighMem' is unknown; the zones of x86-64 are DMA, DMA32, Normal, "
               "Movable, Device"},
        Damage{"NegativeValue", "proc/zoneinfo", "managed  52204", "managed  -52204",
               "snap/proc/zoneinfo:94: 'managed' is '-52204', expected a number from 0 to 17179869184"},
        Damage{"AbsurdValue", "proc/zoneinfo", "managed  52204", "managed  99999999999999999999",
               "snap/proc/zoneinfo:94: 'managed' is '99999999999999999999', expected a number"},
        Damage{"Garbage", "proc/zoneinfo", "min      291", "min      2x1",
               "snap/proc/zoneinfo:89: 'min' is '2x1', expected a number"},
        Damage{"ZoneTwice", "proc/zoneinfo", "zone   Normal", "zone    DMA32",
               "snap/proc/zoneinfo:127: zone DMA32 of node 0 comes a second time; were two files joined?"},
        Damage{"LruAboveManaged", "proc/zoneinfo", "nr_zone_inactive_anon 785", "nr_zone_inactive_anon 78500",
               "snap/proc/zoneinfo:171: the LRU lists hold 78697 pages but only 64111 are managed"},
        Damage{"DistanceOfAThirdNode", "sys/devices/system/node/node0/distance", "10 20", "10 20 30",
               "snap/sys/devices/system/node/node0/distance:1: 3 distances, but proc/zoneinfo has 2 nodes"},
        Damage{"FarFromItself", "sys/devices/system/node/node1/distance", "20 10", "20 20",
               "snap/sys/devices/system/node/node1/distance:1: distance 20 from node 1 to node 1; it is 10 to itself "
               "and 11..255 to others"},
        Damage{"DistanceNoNumber", "sys/devices/system/node/node1/distance", "20", "far",
               "snap/sys/devices/system/node/node1/distance:1: distance 'far' is not in 10..255"},
        Damage{"CpuOfTwoNodes", "sys/devices/system/node/node1/cpulist", "1", "0",
               "snap/sys/devices/system/node/node1/cpulist:1: CPU 0 belongs to two nodes"},
        Damage{"BadCpuList", "sys/devices/system/node/node1/cpulist", "1", "3-1",
               "snap/sys/devices/system/node/node1/cpulist:1: '3-1' is not a CPU list such as 0-3,8"},
        Damage{"CpuThatZoneinfoLacks", "proc/cpuinfo", "processor\t: 1", "processor\t: 7",
               "snap/proc/cpuinfo:29: CPU 7 has no per-CPU list in proc/zoneinfo"},
        Damage{"MemTotalOfAnother", "proc/meminfo", "480620 kB", "8480620 kB",
               "snap/proc/meminfo:1: MemTotal is 2120155 pages but the zones manage 120155; do both come from the same "
               "machine, whole?"},
        Damage{"MemTotalNoNumber", "proc/meminfo", "480620", "lots",
               "snap/proc/meminfo:1: 'MemTotal:         lots kB' has no amount in kB"},
        Damage{"BuddyinfoCut", "proc/buddyinfo",
               "      1      0      2      1      1      2      2      3      1      2     57", "",
               "snap/proc/buddyinfo:3: expected 'Node N, zone NAME' and eleven counts; is the file cut off?"},
        Damage{
            "MoreFreeThanThereIs", "proc/buddyinfo", "      2     57", "      2  57000",
            "snap/proc/buddyinfo:3: 58369889 pages in free blocks, but proc/zoneinfo has 64111 managed in that zone; "
            "copy both from the same machine"},
        Damage{"SwappinessTooHigh", "proc/sys/vm/swappiness", "60", "201",
               "snap/proc/sys/vm/swappiness:1: '201', expected a number from 0 to 200"},
        Damage{"RatioCut", "proc/sys/vm/lowmem_reserve_ratio", "256\t256\t32\t0\t0", "256",
               "snap/proc/sys/vm/lowmem_reserve_ratio:1: expected at least four numbers, got '256'"},
        Damage{"ThpWithoutBrackets", "sys/kernel/mm/transparent_hugepage/enabled", "[never]", "never",
               "snap/sys/kernel/mm/transparent_hugepage/enabled:1: 'always madvise never', expected one of"},
        Damage{"LruNoMask", "sys/kernel/mm/lru_gen/enabled", "0x0000", "0xzzzz",
               "snap/sys/kernel/mm/lru_gen/enabled:1: '0xzzzz', expected a mask"},
        Damage{"VersionOfAnotherSystem", "proc/version", "Linux version", "FreeBSD",
               "snap/proc/version:1: expected 'Linux version RELEASE ...'"},
        Damage{"CalibrationCut", "calibration.json", "}", "",
               "snap/calibration.json:2: is not JSON here; is the file cut off?"},
        Damage{"CalibrationNegative", "calibration.json", "51088", "-3",
               "snap/calibration.json:1: page_fault_ns is '-3', expected a number"},
        Damage{"StatusCut", "proc/1/status", "RssAnon:\t   26080 kB",
               "RssAnon:", "snap/proc/1/status:23: 'RssAnon' is '', expected a number"},
        Damage{"AdjTooLow", "proc/1/oom_score_adj", "-1000", "-1001",
               "snap/proc/1/oom_score_adj:1: '-1001', expected a number from -1000 to 1000"},
        Damage{"RssAboveMemory", "proc/1/status", "RssAnon:\t   26080 kB", "RssAnon:\t   926080 kB",
               "snap/proc/1/status:23: pid 1 has 231720 resident pages on a host of 120155"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(SnapshotError, SwapUsedAboveItsSize) {
  SnapshotFiles snapshot = load("swap-seq-1node");
  snapshot.files["proc/swaps"] = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/vdb partition 1000 2000 -2\n";
  EXPECT_EQ(error_of(snapshot), "snap/proc/swaps:2: 2048000 bytes used of 1024000; used never exceeds size");
}

TEST(SnapshotError, SwapLineCut) {
  SnapshotFiles snapshot = load("swap-seq-1node");
  snapshot.files["proc/swaps"] = "Filename Type Size Used Priority\n/dev/vdb partition 1000\n";
  EXPECT_EQ(error_of(snapshot),
            "snap/proc/swaps:2: expected name, type, size, used and priority, got '/dev/vdb partition 1000'");
}

TEST(SnapshotError, ANodeThatZoneinfoLacks) {
  SnapshotFiles snapshot = load("victim-adj");
  snapshot.files["sys/devices/system/node/node1/distance"] = "20 10\n";
  EXPECT_EQ(error_of(snapshot),
            "snap/sys/devices/system/node/node1/distance:1: node 1 is not in proc/zoneinfo; is that file cut off?");
}

// Every prefix of a file is read without a crash, and a prefix of zoneinfo never passes for a whole one.
TEST(SnapshotError, NoPrefixOfZoneinfoPassesForTheWhole) {
  SnapshotFiles snapshot = load("oom-noswap-2node");
  const std::string whole = snapshot.files.at("proc/zoneinfo");
  const size_t needed = whole.rfind("start_pfn:");
  for (size_t size = 0; size < needed; size += 7) {
    snapshot.files["proc/zoneinfo"] = whole.substr(0, size);
    EXPECT_NE(error_of(snapshot), "no error") << size;
  }
}

}  // namespace
}  // namespace oomcast::host
