// Hosts from what people have in hand: a sosreport as it comes, a Kubernetes node with the pods on it.
#include <gmock/gmock.h>

#include "tests/end_to_end/oomcast_run.h"

namespace oomcast::end_to_end {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class HostFiles : public EndToEnd {
 protected:
  /// A sosreport's folder with the kernel's files of a real machine.
  void make_sosreport() const {
    ASSERT_EQ(sh("mkdir -p sosreport-db7/sos_commands/kernel && cp -r " OOMCAST_SOURCE_DIR
                 "/tests/data/hosts/swap-seq-1node/* sosreport-db7/ && rm sosreport-db7/calibration.json && head -c "
                 "300000 /dev/urandom >sosreport-db7/noise && ln -s proc/meminfo sosreport-db7/meminfo")
                  .status,
              0);
  }
  void expect_one_error(const std::string& line, const std::string& words) const {
    const Finished finished = sh(line);
    EXPECT_EQ(finished.status, 2) << line;
    EXPECT_EQ(finished.out, "") << line;
    EXPECT_THAT(finished.err, AllOf(StartsWith("oomcast: "), HasSubstr(words)));
    EXPECT_EQ(lines(finished.err), 1) << finished.err;
  }
};

TEST_F(HostFiles, ASosreportIsReadAsItComes) {
  make_sosreport();
  const Finished folder = sh("$OOMCAST host show sosreport-db7");
  ASSERT_EQ(folder.status, 0) << folder.err;
  for (const char* pack : {"tar cf s.tar", "tar czf s.tar.gz", "tar cJf s.tar.xz", "tar cjf s.tar.bz2"}) {
    const std::string name = std::string(pack).substr(std::string(pack).rfind(' ') + 1);
    ASSERT_EQ(sh(std::string(pack) + " sosreport-db7").status, 0);
    const Finished packed = sh("$OOMCAST host show " + name);
    EXPECT_EQ(packed.status, 0) << packed.err;
    EXPECT_EQ(packed.out, folder.out) << name;
    EXPECT_EQ(sh("cat " + name + " | $OOMCAST host show /dev/stdin").out, folder.out) << "a pipe";
  }
  ASSERT_EQ(sh("rm -r sosreport-db7; $OOMCAST run --host s.tar.xz --quiet --prove 0 -- true").status, 0);
  EXPECT_EQ(report()["host"]["name"], "sosreport-db7");
  EXPECT_FALSE(fs::exists(at("sosreport-db7"))) << "nothing is unpacked";
}

TEST_F(HostFiles, AnArchiveThatIsNoneIsOneClearLine) {
  make_sosreport();
  ASSERT_EQ(
      sh("tar cJf s.tar.xz sosreport-db7; head -c 60000 s.tar.xz >cut.tar.xz; tar czf none.tgz "
         "sosreport-db7/noise; (cd sosreport-db7; tar cPf ../climbs.tar . ../line.sh); tar cPzf absolute.tgz "
         "$PWD/sosreport-db7/proc; rm sosreport-db7/proc/zoneinfo; ln -s /proc/zoneinfo "
         "sosreport-db7/proc/zoneinfo; tar cf leads.tar sosreport-db7; head -c 1000 /dev/urandom | gzip >noise.gz; "
         "head -c 200000000 /dev/zero | gzip >zeros.gz")
          .status,
      0);
  expect_one_error("$OOMCAST host show cut.tar.xz", "cut off");
  expect_one_error("$OOMCAST host show none.tgz", "holds no sosreport");
  expect_one_error("$OOMCAST host show climbs.tar", "outside of the folder");
  expect_one_error("$OOMCAST host show absolute.tgz", "outside of the folder");
  expect_one_error("$OOMCAST host show leads.tar", "leads out of the archive");
  expect_one_error("$OOMCAST host show noise.gz", "noise.gz");
  expect_one_error("$OOMCAST host show zeros.gz", "zeros.gz");
  expect_one_error("$OOMCAST run --host cut.tar.xz -- true", "cut off");
}

TEST_F(HostFiles, ALogIsExplainedAsLogrotateLeavesIt) {
  ASSERT_EQ(sh("gzip -c " OOMCAST_SOURCE_DIR "/tests/data/oomlogs/cgroup-5.4.log >kern.log.2.gz").status, 0);
  EXPECT_THAT(sh("$OOMCAST explain kern.log.2.gz --prove 0").out, HasSubstr("stress (pid 7211) was killed"));
}

TEST_F(HostFiles, OfAKubernetesNodeThePodBeyondItsRequestIsEvicted) {
  std::ofstream(at("nodes.yaml")) << R"(apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Node
  metadata: {name: large}
  status: {capacity: {cpu: "8", memory: 16Gi}, allocatable: {memory: 15Gi}}
- apiVersion: v1
  kind: Node
  metadata: {name: small}
  status:
    capacity: {cpu: "2", memory: 614400Ki}
    allocatable: {cpu: "2", memory: 512000Ki}
    nodeInfo: {architecture: amd64, kernelVersion: 6.1.0-18-amd64, operatingSystem: linux}
)";
  std::ofstream(at("web.yaml"))
      << "kind: Pod\nspec: {containers: [{name: web, resources: {requests: {memory: 300Mi}}}]}\n";
  std::ofstream(at("job.yaml")) << "kind: Pod\nspec: {containers: [{name: job}]}\n";
  expect_one_error("$OOMCAST host show nodes.yaml", "holds 2 nodes ('large', 'small'); choose one");
  expect_one_error("$OOMCAST host show nodes.yaml:medium", "no node 'medium'");
  EXPECT_EQ(sh("$OOMCAST host show nodes.yaml:small --json").out,
            sh("$OOMCAST host show nodes.yaml --nth 2 --json").out);
  const Finished recorded =
      sh("$OOMCAST run --host nodes.yaml:large --limits-from web.yaml --prove 0 --quiet --trace t.trace -- python3 -c "
         "'import time; b = bytearray(245 << 20); b[::4096] = b\"x\" * (len(b) // 4096); time.sleep(6)'");
  ASSERT_EQ(recorded.status, 0) << recorded.err;
  if (report()["coverage"]["tracker"] != "userfaultfd") GTEST_SKIP() << "no tracker can run here";
  EXPECT_EQ(report()["app"]["processes"][0]["oom_score_adj"], 982) << "burstable: 300 MiB of 16 GiB";
  // Both are there when the kubelet checks for the first time, after ten seconds.
  const Finished replayed =
      sh("$OOMCAST replay --host nodes.yaml:small --service name=web,trace=t.trace,start=5s,limits-from=web.yaml "
         "--service "
         "name=job,trace=t.trace,start=5s,limits-from=job.yaml --prove 0 --report r.json --html r.html --fail-on "
         "oom_kill");
  ASSERT_EQ(replayed.status, 3) << "an eviction is as bad as a kill\n" << replayed.err;
  const Json forecast = report("r.json");
  ASSERT_EQ(forecast["evictions"].size(), 1u) << replayed.err;
  EXPECT_EQ(forecast["evictions"][0]["t_s"], 10.0);
  EXPECT_EQ(forecast["evictions"][0]["ranked"][0]["service"], "job");
  EXPECT_EQ(forecast["services"][1]["ended"], "evicted");
  EXPECT_EQ(forecast["services"][0]["evicted_at_s"], nullptr);
  EXPECT_THAT(replayed.err, AllOf(HasSubstr("job: evicted by the kubelet at 10.00 s"),
                                  HasSubstr("evicted    job at 10.00 s, by the kubelet")));
  EXPECT_THAT(content(at("r.html")), HasSubstr("drawServices"));
}

}  // namespace
}  // namespace oomcast::end_to_end
