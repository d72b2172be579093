// What `kubectl get node` prints is a host: its size, what of it pods may have, its kernel; all else is said to be
// assumed.
#include "report/kubernetes/node.h"

#include <gmock/gmock.h>

#include "report/host_files/host_text.h"
#include "report/kubernetes/quantity.h"

namespace oomcast::report {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// As kubectl prints it, less what nobody reads. Allocatable is less by 1 GiB of reserves and 100 MiB of eviction.
const std::string kNode = R"(apiVersion: v1
kind: Node
metadata:
  annotations:
    node.alpha.kubernetes.io/ttl: "0"
  labels:
    kubernetes.io/arch: amd64
  name: worker-1
spec:
  podCIDR: 10.244.1.0/24
status:
  addresses:
  - address: 10.0.0.11
    type: InternalIP
  allocatable:
    cpu: 3920m
    memory: 7098368Ki
    pods: "110"
  capacity:
    cpu: "4"
    memory: 8249344Ki
    pods: "110"
  conditions:
  - message: kubelet has sufficient memory available
    reason: KubeletHasSufficientMemory
    status: "False"
    type: MemoryPressure
  nodeInfo:
    architecture: amd64
    kernelVersion: 5.15.0-1051-aws
    operatingSystem: linux
)";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

host::HostSpec read(const std::string& text, const HostChoice& choice = {}) {
  auto host = host_of_text(text, "node.yaml", choice);
  EXPECT_TRUE(host) << host.error().message;
  return host ? std::move(host).value() : host::HostSpec{};
}

std::string error_of(const std::string& text, const HostChoice& choice = {}) {
  const auto host = host_of_text(text, "node.yaml", choice);
  return host ? "no error" : host.error().message;
}

TEST(KubernetesNode, ItsSizeKernelAndPodsGroupAreRead) {
  const host::HostSpec host = read(kNode);
  EXPECT_EQ(host.name, "worker-1");
  EXPECT_EQ(host.kernel_release, "5.15.0-1051-aws");
  EXPECT_EQ(host.cpus.size(), 4u);
  EXPECT_EQ(host.total_ram, Pages(8249344 / 4));
  ASSERT_EQ(host.cgroups.size(), 1u);
  EXPECT_EQ(host.cgroups[0].path, "/kubepods.slice");
  EXPECT_EQ(host.cgroups[0].memory_max, (int64_t{8249344} - 1024 * 1024) * 1024)
      << "the threshold of eviction is not in it";
  EXPECT_EQ(host.cgroup.path, "/kubepods.slice/pod");
  EXPECT_EQ(host.kubelet.eviction_hard, Bytes(int64_t{100} << 20));
  EXPECT_TRUE(host.swaps.empty());
}

TEST(KubernetesNode, WhatItDoesNotSayIsListed) {
  const auto assumed = read(kNode).assumed;
  for (const char* what :
       {"zones:", "vm", "swap: none", "nodes: one", "processes: none", "kubelet.eviction_hard: memory.available<100Mi",
        "kube-reserved and system-reserved: 1.00 GiB", "cgroup /kubepods.slice: memory.max"})
    EXPECT_THAT(assumed, Contains(StartsWith(what))) << what;
  EXPECT_THAT(assumed, Not(Contains(StartsWith("kernel:")))) << "it is there";
}

TEST(KubernetesNode, JsonAndListsAreRead) {
  const std::string json = R"({"apiVersion": "v1", "kind": "List", "items": [
    {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}, "status": {"capacity": {"cpu": "2", "memory": "2097152Ki"}}},
    {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "b"}, "status": {"capacity": {"cpu": "8", "memory": "4Gi"},
     "allocatable": {"memory": "4Gi"}}}]})";
  EXPECT_THAT(error_of(json), HasSubstr("holds 2 nodes ('a', 'b'); choose one: FILE:NAME, or --nth N"));
  EXPECT_EQ(read(json, {1, ""}).cpus.size(), 2u);
  EXPECT_EQ(read(json, {std::nullopt, "b"}).cpus.size(), 8u);
  EXPECT_THAT(error_of(json, {3, ""}), HasSubstr("holds 2 nodes, not 3; give --nth 1 to 2"));
  EXPECT_THAT(error_of(json, {std::nullopt, "c"}), HasSubstr("no node 'c'; there are: 'a', 'b'"));
  EXPECT_EQ(read(json, {2, ""}).kubelet.eviction_hard, Bytes(0)) << "nothing is held back";
  EXPECT_EQ(read(json, {1, ""}).kubelet.eviction_hard, Bytes(int64_t{100} << 20)) << "no allocatable: the default";
}

TEST(KubernetesNode, HugePagesAreNotFree) {
  const std::string with = replaced(replaced(kNode, "    cpu: \"4\"\n", "    cpu: \"4\"\n    hugepages-2Mi: 1Gi\n"),
                                    "7098368Ki", "6049792Ki");
  const host::HostSpec host = read(with);
  Pages free, free_without;
  for (const host::ZoneSpec& zone : host.nodes[0].zones) free += zone.free;
  const host::HostSpec without = read(kNode);
  for (const host::ZoneSpec& zone : without.nodes[0].zones) free_without += zone.free;
  EXPECT_NEAR(static_cast<double>((free_without - free).count()), 262144, 2000);
  EXPECT_EQ(host.cgroups[0].memory_max, (int64_t{8249344} - 1024 * 1024) * 1024)
      << "the kubelet leaves them in: memory.max does not count them";
  EXPECT_EQ(host.kubelet.eviction_hard, Bytes(int64_t{100} << 20));
}

TEST(KubernetesNode, PressureSwapAndMachineAreSaid) {
  EXPECT_THAT(read(replaced(kNode, "status: \"False\"", "status: \"True\"")).assumed,
              Contains(HasSubstr("reports MemoryPressure")));
  const host::HostSpec swap =
      read(replaced(kNode, "    operatingSystem", "    swap:\n      capacity: 1073741824\n    operatingSystem"));
  ASSERT_EQ(swap.swaps.size(), 1u);
  EXPECT_EQ(swap.swaps[0].size, Bytes(int64_t{1} << 30));
  EXPECT_THAT(read(replaced(kNode, "architecture: amd64", "architecture: arm64")).assumed,
              Contains(HasSubstr("arm64")));
  EXPECT_THAT(error_of(replaced(kNode, "architecture: amd64", "architecture: ppc64le")), HasSubstr("64 KiB"));
  EXPECT_THAT(error_of(replaced(kNode, "operatingSystem: linux", "operatingSystem: windows")), HasSubstr("not Linux"));
}

TEST(KubernetesNode, WhatIsNoneIsOneClearLine) {
  EXPECT_THAT(error_of("apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n"), HasSubstr("holds no Kubernetes node"));
  EXPECT_THAT(error_of("apiVersion: v1\nkind: Node\nmetadata: {name: [\n"),
              AllOf(StartsWith("node.yaml:"), HasSubstr("not YAML")));
  EXPECT_THAT(error_of("apiVersion: v1\nkind: Node\nstatus: {}\n"), HasSubstr("no status.capacity.memory"));
  EXPECT_THAT(error_of(replaced(kNode, "8249344Ki", "lots")),
              StartsWith("node.yaml:21: status.capacity.memory: 'lots' is no size"));
  EXPECT_THAT(error_of(replaced(kNode, "8249344Ki", "1Ki")), StartsWith("node.yaml:"));
  for (const std::string& text : {error_of(std::string("apiVersion: v1\nkind: Node\na: ") + std::string(100000, '[')),
                                  error_of(replaced(kNode, "8249344Ki", "-1"))}) {
    EXPECT_NE(text, "no error");
    EXPECT_EQ(text.find('\n'), std::string::npos);
  }
}

TEST(KubernetesNode, ControlBytesOfABadTextStayOutOfTheError) {
  // What the parser says of an escape that it does not know has the byte itself.
  const std::string error = error_of("apiVersion: v1\nkind: Node\na: \"\\\x1b\"\n");
  EXPECT_THAT(error, HasSubstr("not YAML"));
  EXPECT_EQ(error.find('\x1b'), std::string::npos);
}

TEST(KubernetesNode, AnchorsAreRefusedBeforeTheyAreFollowed) {
  std::string bomb = "apiVersion: v1\nkind: Node\na: &a [x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    const std::string before(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + std::string(1, c) + " [";
    for (int i = 0; i < 9; ++i) bomb += "*" + before + ",";
    bomb += "*" + before + "]\n";
  }
  EXPECT_THAT(error_of(bomb), AllOf(StartsWith("node.yaml:3: "), HasSubstr("anchor")));
}

TEST(Quantity, IsReadAsKubernetesReadsIt) {
  EXPECT_EQ(quantity_bytes("512Mi"), int64_t{512} << 20);
  EXPECT_EQ(quantity_bytes("512M"), 512'000'000);
  EXPECT_EQ(quantity_bytes("128974848000m"), 128974848);
  EXPECT_EQ(quantity("250m"), 0.25);
  EXPECT_EQ(quantity("2 cups"), std::nullopt);
  EXPECT_EQ(quantity("-1"), std::nullopt);
  EXPECT_EQ(quantity("nan"), std::nullopt);
  EXPECT_EQ(quantity_bytes("1e30"), std::nullopt);
}

TEST(KubernetesNode, OtherManifestsAreNotTakenForANode) {
  const auto error = [](const char* text) { return host_of_text(text, "pod.yaml", {}).error().message; };
  EXPECT_THAT(error("apiVersion: v1\nkind: Pod\nspec: {}\n"), HasSubstr("a pod's manifest with --limits-from FILE"));
  EXPECT_THAT(error("{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}"), HasSubstr("no node of it"));
  EXPECT_THAT(error("\n"), HasSubstr("pod.yaml: is empty"));
}

}  // namespace
}  // namespace oomcast::report
