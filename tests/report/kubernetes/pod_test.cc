// A pod's manifest gives its class of service, and that what the kernel and the kubelet make of it under pressure.
#include "report/kubernetes/pod.h"

#include <gmock/gmock.h>

#include "model/spec/read_host.h"
#include "report/fit/limits_from.h"
#include "report/kubernetes/container_settings.h"

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
      << "the pod has one class, whichever container is chosen";
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
  EXPECT_EQ(on_node("priorityClassName: system-cluster-critical, containers: [{name: a}]").oom_score_adj, 1000)
      << "critical for the cluster, not for the node";
}

TEST(Pod, LimitRequestAndPriorityAreKept) {
  const LimitsOnHost limits = on_node("priority: 100, " + one("limits: {memory: 1Gi}, requests: {memory: 512Mi}"));
  EXPECT_THAT(limits.cgroup, ElementsAre("memory.max=1073741824", "memory.swap.max=0", "memory.oom.group=1"));
  EXPECT_EQ(limits.memory_request, Bytes(512 << 20));
  EXPECT_EQ(limits.priority, 100);
  EXPECT_THAT(on_node(one("requests: {memory: 1Gi}")).cgroup, ElementsAre("memory.swap.max=0", "memory.oom.group=1"));
  EXPECT_THAT(on_node(one("limits: {memory: 0}")).cgroup, ElementsAre("memory.swap.max=0", "memory.oom.group=1"))
      << "0 is no limit";
}

TEST(Pod, MemoryQosProtectsTheRequestAndSlowsDownShortOfTheLimit) {
  const char* const kNoSwap = "memory.swap.max=0";
  const char* const kGroup = "memory.oom.group=1";
  host::HostSpec host = node();
  host.kubelet.memory_qos = host::MemoryQos::kMin;
  const std::string burstable = one("limits: {memory: 1000Mi}, requests: {memory: 500Mi}");
  EXPECT_THAT(on_host(from(burstable), host).cgroup,
              ElementsAre("memory.max=1048576000", kNoSwap, "memory.min=524288000", "memory.high=996147200", kGroup));
  EXPECT_THAT(on_host(from(one(kGuaranteed)), host).cgroup,
              ElementsAre("memory.max=1073741824", kNoSwap, "memory.min=1073741824", kGroup));
  EXPECT_THAT(on_host(from("containers: [{name: a}]"), host).cgroup, ElementsAre(kNoSwap, kGroup));
  // Without a limit the node's allocatable memory stands for it: 3 GiB less 100 MiB.
  EXPECT_THAT(on_host(from(one("requests: {memory: 972Mi}")), host).cgroup,
              ElementsAre(kNoSwap, "memory.min=1019215872", "memory.high=2906652672", kGroup));
  host.kubelet.memory_qos = host::MemoryQos::kTiered;
  EXPECT_THAT(on_host(from(burstable), host).cgroup,
              ElementsAre("memory.max=1048576000", kNoSwap, "memory.low=524288000", "memory.high=996147200", kGroup));
  EXPECT_THAT(on_host(from(one(kGuaranteed)), host).cgroup,
              ElementsAre("memory.max=1073741824", kNoSwap, "memory.min=1073741824", kGroup));
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

constexpr const char* kStages =
    "initContainers: [{name: migrate, resources: {limits: {memory: 2Gi}}}, {name: proxy, restartPolicy: Always, "
    "resources: {requests: {memory: 64Mi}, limits: {memory: 128Mi}}}], containers: [{name: web, resources: {requests: "
    "{memory: 512Mi}, limits: {memory: 1Gi}}}]";

TEST(Pod, InitContainersAndSidecarsAreChosenByName) {
  EXPECT_EQ(from(kStages).pod->name, "web") << "the only one that is meant without a name";
  EXPECT_EQ(from(kStages, "migrate").pod->memory_limit, int64_t{2} << 30);
  const LimitsFrom proxy = from(kStages, "proxy");
  EXPECT_EQ(proxy.pod->memory_limit, int64_t{128} << 20);
  EXPECT_EQ(on_host(proxy, node()).oom_score_adj, 875) << "no more exposed than the container that it serves";
}

TEST(Pod, ItsLimitIsThatOfWhatRunsAtATime) {
  EXPECT_EQ(from(kStages).pod->pod_limit, int64_t{2} << 30) << "migrate alone has more than web and proxy together";
  const std::string sidecar_first =
      "initContainers: [{name: proxy, restartPolicy: Always, resources: {limits: {memory: 128Mi}}}, {name: migrate, "
      "resources: {limits: {memory: 2Gi}}}], containers: [{name: web, resources: {limits: {memory: 1Gi}}}]";
  EXPECT_EQ(from(sidecar_first).pod->pod_limit, (int64_t{2} << 30) + (int64_t{128} << 20));
}

TEST(Pod, ItsOwnResourcesDecide) {
  const std::string own = "resources: {requests: {memory: 2Gi}, limits: {memory: 3Gi}}, ";
  const std::string two = "containers: [{name: a, resources: {requests: {memory: 1Gi}}}, {name: b}]";
  const LimitsFrom pod = from(own + two, "b");
  EXPECT_EQ(pod.pod->memory_limit, int64_t{3} << 30);
  EXPECT_EQ(on_host(pod, node()).oom_score_adj, 875) << "half of the 1 GiB that the containers leave of 2 GiB";
  const std::string equal = "resources: {limits: {cpu: 1, memory: 1Gi}}, ";
  EXPECT_EQ(from(equal + two, "b").pod->qos, QosClass::kGuaranteed);
}

TEST(Pod, SwapIsNoneUnlessTheKubeletGivesSome) {
  host::HostSpec host = node();
  EXPECT_THAT(on_host(from(one("requests: {memory: 1Gi}")), host).assumed, IsEmpty()) << "the node has no swap";
  host.swaps.push_back({"sda2", Bytes(int64_t{8} << 30), Bytes(0)});
  const auto assumed = [&](const std::string& resources) { return on_host(from(one(resources)), host).assumed; };
  EXPECT_THAT(assumed("requests: {memory: 1Gi}"), ElementsAre(HasSubstr("--cgroup memory.swap.max=2147483648")))
      << "a quarter of the node's memory, a quarter of its swap";
  EXPECT_THAT(assumed(kGuaranteed), ElementsAre(HasSubstr("LimitedSwap gives it none either")));
  EXPECT_THAT(assumed("limits: {memory: 1Gi}"), ElementsAre(HasSubstr("none either"))) << "request equals limit";
}

TEST(Pod, APriorityClassOfTheClusterIsNotKnown) {
  EXPECT_THAT(on_node("priorityClassName: batch, containers: [{name: a}]").assumed,
              ElementsAre(HasSubstr("the manifest names the class batch")));
}

TEST(Pod, ListsAndTemplatesHavePods) {
  const auto read = [](const std::string& text, const std::string& name) { return limits_of(text, "l.yaml", name); };
  const std::string list =
      "kind: List\nitems:\n- {metadata: {name: x}, spec: {containers: [{name: app, resources: {limits: {memory: "
      "1Gi}}}]}}\n- {metadata: {name: y}, spec: {template: {spec: {containers: [{name: app, resources: {limits: "
      "{memory: "
      "2Gi}}}]}}}}\n";
  EXPECT_EQ(read(list, "y/app")->pod->memory_limit, int64_t{2} << 30);
  EXPECT_THAT(read(list, "app").error().message, HasSubstr("(x/app, y/app); choose one: FILE:OBJECT/NAME"));
  EXPECT_THAT(read(list, "").error().message, HasSubstr("x/app, y/app"));
  EXPECT_EQ(read("kind: PodTemplate\ntemplate: {spec: {containers: [{name: a}]}}", "")->pod->name, "a");
  EXPECT_THAT(read("kind: Pod\nspec: {containers: [{name: a}, {name: b}]}", "").error().message,
              HasSubstr("none with a limit (a, b); choose one"));
}

TEST(Pod, QuantitiesAreReadAsKubernetesDoes) {
  const auto limit = [](const std::string& text) {
    return from(one("limits: {memory: '" + text + "'}")).pod->memory_limit.value_or(0);
  };
  EXPECT_EQ(limit("128974848"), 128974848);
  EXPECT_EQ(limit("129e6"), 129'000'000);
  EXPECT_EQ(limit("0.5Gi"), int64_t{1} << 29);
  EXPECT_EQ(limit("134217728000m"), 134217728);
  EXPECT_EQ(limit("134217728500m"), 134217729) << "rounded up";
  EXPECT_EQ(limit("+5Mi"), 5 << 20);
  EXPECT_GE(limit("1Pi"), int64_t{63} << 40) << "more than any host has";
  const auto error = [](const std::string& text) {
    const auto read = limits_of("spec: {" + one("limits: {memory: '" + text + "'}") + "}", "p.yaml", "");
    return read ? std::string("accepted") : read.error().message;
  };
  for (const char* bad : {"0x10", " 5", "inf", "5 Mi", "5mi", "5MB", "-1", "."})
    EXPECT_THAT(error(bad), HasSubstr("is no size")) << bad;
  EXPECT_THAT(error("400m"), HasSubstr("'m' stands for thousandths of a byte"));
  EXPECT_THAT(error("512"), HasSubstr("a number without a unit is in bytes"));
}

TEST(Pod, ARequestBeyondTheLimitIsRefused) {
  const auto read = limits_of("spec: {" + one("requests: {memory: 2Gi}, limits: {memory: 1Gi}") + "}", "p.yaml", "");
  EXPECT_THAT(read.error().message, HasSubstr("requests.memory of a is more than its limit of '1Gi'"));
}

}  // namespace
}  // namespace oomcast::report
