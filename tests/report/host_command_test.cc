// `oomcast host` describes a host to people.
#include "report/host_command.h"

#include <gmock/gmock.h>
#include <oomcast_paths.h>

#include "model/spec/read_host.h"

namespace oomcast::report {
namespace {

using testing::HasSubstr;

host::HostSpec snapshot(const std::string& name) {
  const auto host = host::read_snapshot(std::string(OOMCAST_SOURCE_DIR) + "/tests/data/hosts/" + name);
  EXPECT_TRUE(host) << host.error().message;
  return host ? host.value() : host::HostSpec{};
}

TEST(HostShow, NamesTheMachineInOneLine) {
  EXPECT_THAT(render_host(snapshot("oom-noswap-2node")),
              HasSubstr("oom-noswap-2node: kernel 6.1.0-56-cloud-amd64, classic LRU, 2 nodes, 2 CPUs, 469.4 MiB of "
                        "memory, 0 B of swap\n"));
}

TEST(HostShow, GivesZonesInPagesAndBytes) {
  EXPECT_THAT(render_host(snapshot("oom-noswap-2node")),
              HasSubstr("  DMA32    52204 (203.9 MiB)      40878 (159.7 MiB)      291 (1.1 MiB)        363 (1.4 MiB)   "
                        "     435 (1.7 MiB)\n"));
}

TEST(HostShow, ALongListOfCpusIsNotCut) {
  host::HostSpec host = host::preset("vm-4g").value();
  host.nodes[0].cpus.clear();
  for (int cpu = 0; cpu < 1000; cpu += 2) host.nodes[0].cpus.push_back(cpu);
  EXPECT_THAT(render_host(host), HasSubstr(",994,996,998\n  lists: "));
}

TEST(HostShow, NamesTheGroupsThatAProgramMayBePutInto) {
  host::HostSpec host = host::preset("vm-4g").value();
  host::CgroupSpec group;
  group.path = "/a.slice/b.service";
  group.memory_max = int64_t{1} << 30;
  host.cgroups.push_back(group);
  EXPECT_THAT(render_host(host),
              HasSubstr("cgroups of the host with limits: 1\n  /a.slice/b.service: memory.max 1.00 GiB memory.high max "
                        "memory.swap.max max\n"));
}

TEST(HostShow, ListsSwapProcessesAndAssumptions) {
  EXPECT_THAT(
      render_host(snapshot("swap-seq-1node")),
      HasSubstr("  /dev/vdb: 512.0 MiB, 0 B used, priority -2, rotational, 4 KiB read 711.4 us, write 951.6 us\n"));
  const std::string text = render_host(snapshot("victim-adj"));
  EXPECT_THAT(text, HasSubstr("       86 memload          rss 120.5 MiB  swap 0 B        oom_score_adj 300\n"));
  EXPECT_THAT(text, HasSubstr("assumed, because the source does not say:\n"));
}

TEST(HostShow, ZswapStandsBehindTheDevicesThatItServes) {
  host::HostSpec host = snapshot("swap-seq-1node");
  EXPECT_THAT(render_host(host), testing::Not(HasSubstr("zswap")));
  host.zswap.enabled = true;
  host.zswap.zpool = host::Zpool::kZbud;
  host.zswap.stored_percent = 44;
  EXPECT_THAT(render_host(host), HasSubstr("(20 % of memory) in zbud, a page takes 44 %\n"));
}

TEST(HostShow, FileSystemsInMemoryHaveTheirLimits) {
  host::HostSpec host = snapshot("swap-seq-1node");
  EXPECT_THAT(render_host(host), testing::Not(HasSubstr("tmpfs")));
  host.tmpfs = {{"/dev/shm", Bytes(64 << 20)}, {"/run", std::nullopt}, {"/scratch", Bytes(0)}};
  host.total_ram = Pages(2 << 18);
  EXPECT_THAT(render_host(host), HasSubstr("tmpfs: /dev/shm 64.0 MiB, /run 1.00 GiB, /scratch without a limit\n"));
}

TEST(HostShow, ANameFromAFileCannotDriveTheTerminal) {
  host::HostSpec host = snapshot("victim-adj");
  host.processes[1].comm = "a\x1b[2Jb";
  EXPECT_THAT(render_host(host), HasSubstr("a?[2Jb"));
}

TEST(HostList, HasALineForEachPreset) {
  const std::string list = render_host_list();
  for (const host::Preset& preset : host::presets())
    EXPECT_THAT(list, HasSubstr(std::string("  ") + preset.name + " "));
}

}  // namespace
}  // namespace oomcast::report
