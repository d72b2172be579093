// A pod's manifest gives its class of service, and that what the kernel and the kubelet make of it under pressure.
#include "report/kubernetes/pod.h"

#include <gmock/gmock.h>

#include "model/spec/read_host.h"
#include "report/fit/limits_from.h"

namespace oomcast::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

LimitsFrom from(const std::string& spec, const std::string& container = "") {
  auto read = limits_of("kind: Pod\nspec: {" + spec + "}", "pod.yaml", container);
  EXPECT_TRUE(read) << read.error().message;
  return read ? std::move(read).value() : LimitsFrom{};
}
std::string one(const std::string& resources) { return "containers: [{name: a, resources: {" + resources + "}}]"; }

/// 4 GiB, of which pods may have 3 GiB and 100 MiB are the threshold of eviction.
host::HostSpec node() {
  host::HostSpec host = host::preset("vm-4g").value();
  host.total_ram = Pages(1 << 20);
  host::CgroupSpec pods;
  pods.present = true;
  pods.path = "/kubepods.slice";
  pods.memory_max = int64_t{3} << 30;
  host.cgroups.push_back(pods);
  host.cgroup.present = true;
  host.cgroup.path = "/kubepods.slice/pod";
  host.kubelet.eviction_hard = Bytes(int64_t{100} << 20);
  return host;
}
LimitsOnHost on_node(const std::string& spec) { return on_host(from(spec), node()); }

constexpr const char* kGuaranteed = "limits: {cpu: 500m, memory: 1Gi}, requests: {cpu: 0.5, memory: 1024Mi}";

TEST(Pod, ItsClassFollowsFromRequestsAndLimits) {
  EXPECT_EQ(from(one(kGuaranteed)).pod->qos, QosClass::kGuaranteed);
  EXPECT_EQ(from(one("limits: {cpu: 1, memory: 1Gi}")).pod->qos, QosClass::kGuaranteed) << "requests default to limits";
  EXPECT_EQ(from(one("limits: {memory: 1Gi}")).pod->qos, QosClass::kBurstable) << "no CPU limit";
  EXPECT_EQ(from(one("requests: {memory: 1Gi}")).pod->qos, QosClass::kBurstable);
  EXPECT_EQ(from("containers: [{name: a}]").pod->qos, QosClass::kBestEffort);
  EXPECT_EQ(from("containers: [{name: a}, {name: b, resources: {requests: {cpu: 100m}}}]", "a").pod->qos,
            QosClass::kBurstable)
      << "the pod has one class, whichever container is looked at";
  EXPECT_EQ(from("initContainers: [{name: i}], " + one(kGuaranteed)).pod->qos, QosClass::kBurstable);
}

TEST(Pod, ItsShmHolds64MiBUnlessMemoryIsMountedThere) {
  const auto mounts = [](const std::string& spec) { return on_node(spec).tmpfs.value(); };
  const std::string volumes =
      ", volumes: [{name: shm, emptyDir: {medium: Memory, sizeLimit: 1Gi}}, {name: all, emptyDir: {medium: Memory}}, "
      "{name: disk, emptyDir: {}}]";
  const std::string mount = "volumeMounts: [{name: shm, mountPath: /dev/shm}, {name: disk, mountPath: /data}]";
  EXPECT_THAT(mounts("containers: [{name: a}]"), ElementsAre("/dev/shm=64M"));
  EXPECT_THAT(mounts("containers: [{name: a, " + mount + "}]" + volumes),
              ElementsAre("/dev/shm=64M", "/dev/shm=1073741824"))
      << "the last one holds";
  EXPECT_THAT(mounts("hostIPC: true, containers: [{name: a}]"), IsEmpty()) << "the node's, whose size is not known";
  EXPECT_THAT(mounts("containers: [{name: a, resources: {limits: {memory: 512Mi}}, " + mount + "}]" + volumes),
              ElementsAre("/dev/shm=64M", "/dev/shm=536870912"))
      << "no more than the pod may have";
  EXPECT_THAT(mounts("containers: [{name: a, volumeMounts: [{name: all, mountPath: /cache}]}]" + volumes),
              ElementsAre("/dev/shm=64M", "/cache=" + std::to_string((int64_t{3} << 30) - (int64_t{100} << 20))))
      << "what the node has for pods";
}

TEST(Pod, AVolumeThatCannotBeIsNamed) {
  const auto error = [](const std::string& volume, const std::string& mount) {
    auto read = limits_of("spec: {containers: [{name: a, volumeMounts: [" + mount + "]}], volumes: [" + volume + "]}",
                          "pod.yaml", "");
    return read ? "accepted" : read.error().message;
  };
  EXPECT_THAT(error("{name: shm, emptyDir: {medium: Memory, sizeLimit: lots}}", ""),
              HasSubstr("sizeLimit of the volume shm: 'lots' is no size"));
  EXPECT_THAT(error("{name: shm, emptyDir: {medium: Memory}}", "{name: shm, mountPath: shm}"),
              HasSubstr("mountPath: 'shm' does not begin with /"));
  EXPECT_EQ(error("{name: [], emptyDir: {medium: [Memory]}}", "{name: {}, mountPath: 7}"), "accepted");
}

TEST(Pod, ItsClassGivesTheOomScoreAdj) {
  EXPECT_EQ(on_node(one(kGuaranteed)).oom_score_adj, -997);
  EXPECT_EQ(on_node("containers: [{name: a}]").oom_score_adj, 1000);
  EXPECT_EQ(on_node(one("requests: {memory: 1Gi}")).oom_score_adj, 750) << "a quarter of the node's 4 GiB";
  EXPECT_EQ(on_node(one("requests: {memory: 1Mi}")).oom_score_adj, 999);
  EXPECT_EQ(on_node(one("requests: {memory: 4Gi}")).oom_score_adj, 3);
  EXPECT_EQ(on_node("priorityClassName: system-node-critical, containers: [{name: a}]").oom_score_adj, -997);
}

TEST(Pod, LimitRequestAndPriorityAreKept) {
  const LimitsOnHost limits = on_node("priority: 100, " + one("limits: {memory: 1Gi}, requests: {memory: 512Mi}"));
  EXPECT_THAT(limits.cgroup, ElementsAre("memory.max=1073741824"));
  EXPECT_EQ(limits.memory_request, Bytes(512 << 20));
  EXPECT_EQ(limits.priority, 100);
  EXPECT_THAT(on_node(one("requests: {memory: 1Gi}")).cgroup, IsEmpty());
}

TEST(Pod, MemoryQosProtectsTheRequestAndSlowsDownShortOfTheLimit) {
  host::HostSpec host = node();
  host.kubelet.memory_qos = host::MemoryQos::kMin;
  const std::string burstable = one("limits: {memory: 1000Mi}, requests: {memory: 500Mi}");
  EXPECT_THAT(on_host(from(burstable), host).cgroup,
              ElementsAre("memory.max=1048576000", "memory.min=524288000", "memory.high=996147200"));
  EXPECT_THAT(on_host(from(one(kGuaranteed)), host).cgroup,
              ElementsAre("memory.max=1073741824", "memory.min=1073741824"));
  EXPECT_THAT(on_host(from("containers: [{name: a}]"), host).cgroup, IsEmpty());
  // Without a limit the node's allocatable memory stands for it: 3 GiB less 100 MiB.
  EXPECT_THAT(on_host(from(one("requests: {memory: 972Mi}")), host).cgroup,
              ElementsAre("memory.min=1019215872", "memory.high=2906652672"));
  host.kubelet.memory_qos = host::MemoryQos::kTiered;
  EXPECT_THAT(on_host(from(burstable), host).cgroup,
              ElementsAre("memory.max=1048576000", "memory.low=524288000", "memory.high=996147200"));
  EXPECT_THAT(on_host(from(one(kGuaranteed)), host).cgroup,
              ElementsAre("memory.max=1073741824", "memory.min=1073741824"));
}

TEST(Pod, WhatIsNoSizeIsSaid) {
  const auto error = [](const std::string& spec) {
    const auto read = limits_of("spec: {" + spec + "}", "pod.yaml", "");
    return read ? std::string("accepted") : read.error().message;
  };
  EXPECT_THAT(error(one("requests: {memory: lots}")), HasSubstr("pod.yaml: requests.memory of a: 'lots' is no size"));
  EXPECT_THAT(error(one("limits: {memory: [1]}")), HasSubstr("not a single value"));
  EXPECT_THAT(error("priority: high, containers: [{name: a}]"), HasSubstr("priority: 'high' is no number"));
}

}  // namespace
}  // namespace oomcast::report
