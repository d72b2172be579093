// Makes a host of a Kubernetes node. See node.h.
//
// Allocatable is capacity less kube-reserved, system-reserved, the threshold of hard eviction, and huge pages. A node
// does not print the threshold: the kubelet's default is taken for it, or the whole difference if that is smaller.
#include "report/kubernetes/node.h"

#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>
#include <vector>

#include "model/spec/json/json_host.h"
#include "model/spec/parse_text.h"
#include "report/kubernetes/quantity.h"
#include "report/words/format.h"
#include "report/yaml_values.h"

namespace oomcast::report {
namespace {

using nlohmann::ordered_json;

constexpr size_t kMostBytes = size_t{64} << 20;
constexpr int64_t kDefaultEvictionHard = int64_t{100} << 20;  // memory.available<100Mi
constexpr const char* kNotInNode = "a Kubernetes node does not say";
constexpr const char* kPodsGroup = "/kubepods.slice";

/// Thrown only inside this file. host_of_kubernetes_node() turns it into a Result.
struct Mistake {
  std::string message;
  int line = 0;
};

/// Parses a text without building nodes: aliases of an anchor could expand to any size.
class AnchorsRefused final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { refuse(mark, anchor); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override { refuse(mark, anchor); }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor, const std::string&) override {
    refuse(mark, anchor);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse(mark, anchor);
  }
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse(mark, anchor);
  }
  void OnMapEnd() override {}

 private:
  static void refuse(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor)
      throw Mistake{"an anchor or alias, which kubectl never writes; give what 'kubectl get node -o yaml' prints",
                    mark.line + 1};
  }
};

void refuse_anchors(const std::string& text) {
  std::istringstream in(text);
  YAML::Parser parser(in);
  AnchorsRefused handler;
  while (parser.HandleNextDocument(handler)) {
  }
}

/// Returns the scalar at the end of the path; "" if there is none.
template <class... Keys>
std::string word(const YAML::Node& node, const Keys&... keys) {
  const YAML::Node value = value_at(node, keys...);
  return value && value.IsScalar() ? value.Scalar() : "";
}

std::optional<int64_t> bytes_in(const YAML::Node& node, const char* part, const std::string& resource) {
  const YAML::Node value = value_at(node, "status", part, resource);
  if (!value) return std::nullopt;
  const std::string text = word(node, "status", part, resource);
  const auto bytes = quantity_bytes(text);
  if (!bytes)
    throw Mistake{std::string("status.") + part + "." + resource + ": " + host::quote(text) + " is no size",
                  value.Mark().line + 1};
  return bytes;
}

void add_nodes(const YAML::Node& document, std::vector<YAML::Node>& nodes) {
  const std::string kind = word(document, "kind");
  if (kind == "Node") nodes.push_back(document);
  const YAML::Node items = value_at(document, "items");
  if ((kind != "List" && kind != "NodeList") || !items || !items.IsSequence()) return;
  for (const YAML::Node& item : items)
    // The items of a NodeList need not repeat their kind.
    if (word(item, "kind") == "Node" || (kind == "NodeList" && word(item, "kind").empty())) nodes.push_back(item);
}

std::string names_of(const std::vector<YAML::Node>& nodes) {
  constexpr size_t kNamed = 6;
  std::vector<std::string> names;
  for (const YAML::Node& node : nodes) names.push_back(host::quote(word(node, "metadata", "name")));
  return list_text(names, kNamed);
}

YAML::Node chosen(const std::vector<YAML::Node>& nodes, std::optional<int> nth, const std::string& name) {
  if (nodes.empty()) throw Mistake{"holds no Kubernetes node; give what 'kubectl get node -o yaml' prints"};
  if (!name.empty()) {
    for (const YAML::Node& node : nodes)
      if (word(node, "metadata", "name") == name) return node;
    throw Mistake{"no node " + host::quote(name) + "; there are: " + names_of(nodes)};
  }
  const std::string count = std::to_string(nodes.size());
  if (nth && (*nth < 1 || static_cast<size_t>(*nth) > nodes.size()))
    throw Mistake{"holds " + count + (nodes.size() == 1 ? " node" : " nodes") + ", not " + std::to_string(*nth) +
                  "; give --nth 1 to " + count};
  if (nth) return nodes[static_cast<size_t>(*nth - 1)];
  if (nodes.size() > 1)
    throw Mistake{"holds " + count + " nodes (" + names_of(nodes) + "); choose one: FILE:NAME, or --nth N"};
  return nodes.front();
}

/// The capacity that neither pods nor huge pages get, in bytes: for daemons, and for the threshold of eviction.
struct Reserved {
  int64_t daemons = 0, eviction = 0;
};
Reserved reserved_of(int64_t capacity, int64_t allocatable, int64_t huge) {
  const int64_t all = std::max<int64_t>(0, capacity - allocatable - huge);
  const int64_t eviction = std::min(all, kDefaultEvictionHard);
  return {all - eviction, eviction};
}

class NodeReader {
 public:
  NodeReader(const YAML::Node& node, const std::string& path) : node_(node), path_(path) {}

  Result<host::HostSpec> read() {
    check_machine();
    const auto capacity = bytes_in(node_, "capacity", "memory");
    if (!capacity)
      throw Mistake{"the node has no status.capacity.memory; is it the output of 'kubectl get node', with its status?"};
    root_ = {{"schema", host::kHostSchema}, {"name", word(node_, "metadata", "name")}};
    if (const std::string kernel = word(node_, "status", "nodeInfo", "kernelVersion"); !kernel.empty())
      root_["kernel"] = kernel;
    const int64_t huge = huge_bytes();
    ordered_json memory = {{"managed", *capacity}};
    if (huge > 0) {
      memory["free"] = std::max<int64_t>(0, *capacity - *capacity / 100 * 3 - huge);
      assume("nodes[0].free: capacity less 3 % and " + bytes_text(Bytes(huge)) + " of huge pages");
    }
    if (const auto cpus = cpu_count())
      root_["cpus"] = "0-" + std::to_string(*cpus - 1);
    else
      assume(std::string("cpus: two (") + kNotInNode + ")");
    root_["nodes"] = ordered_json::array({std::move(memory)});
    assume(std::string("nodes: one NUMA node with all memory (") + kNotInNode + ")");
    assume("processes: none, and no pods (a Kubernetes node does not say what runs on it)");
    take_swap();
    take_kubelet(*capacity, bytes_in(node_, "allocatable", "memory"), huge);
    note_pressure();
    // The kubelet's setupKernelTunables() sets it.
    root_["vm"] = {{"overcommit_memory", 1}};
    assume("vm.overcommit_memory: 1, as the kubelet sets it when it starts");
    root_["assumed"] = assumed_;
    return host::host_from_json(root_, "", path_, root_["name"]);
  }

 private:
  void assume(const std::string& what) { assumed_.push_back(what); }

  void check_machine() {
    const std::string system = word(node_, "status", "nodeInfo", "operatingSystem");
    if (!system.empty() && system != "linux") throw Mistake{"the node runs " + host::quote(system) + ", not Linux"};
    const std::string machine = word(node_, "status", "nodeInfo", "architecture");
    if (machine == "ppc64le" || machine == "ppc64")
      throw Mistake{"the node is of " + machine +
                    ", whose pages are of 64 KiB; hosts with pages of 4 KiB can be modelled"};
    if (machine.empty())
      assume(std::string("architecture: amd64 (") + kNotInNode + ")");
    else if (machine != "amd64")
      assume("architecture: zones as on x86-64 and pages of 4 KiB, but the node is of " + machine);
  }

  /// Entries such as "hugepages-2Mi": "512Mi". They are part of status.capacity.memory, but pods get them only by that
  /// name.
  int64_t huge_bytes() const {
    int64_t sum = 0;
    const YAML::Node capacity = value_at(node_, "status", "capacity");
    for (const auto& entry : capacity)
      if (const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : ""; name.starts_with("hugepages-"))
        sum += bytes_in(node_, "capacity", name).value_or(0);
    return sum;
  }

  std::optional<int> cpu_count() const {
    constexpr double kMost = 8192;
    const auto cpus = quantity(word(node_, "status", "capacity", "cpu"));
    if (!cpus || *cpus > kMost) return std::nullopt;
    return std::max(1, static_cast<int>(*cpus));
  }

  void take_swap() {
    const auto swap = quantity_bytes(word(node_, "status", "nodeInfo", "swap", "capacity"));
    if (swap && *swap >= kPageBytes) {
      root_["swap"] = ordered_json::array({{{"size", *swap / kPageBytes * kPageBytes}}});
      return;
    }
    assume(swap ? std::string("swap: none (the node says so)")
                : std::string("swap: none (") + kNotInNode + ", and few kubelets run with swap)");
  }

  void take_kubelet(int64_t capacity, std::optional<int64_t> allocatable, int64_t huge) {
    if (!allocatable) {
      root_["kubelet"] = {{"eviction_hard", kDefaultEvictionHard}};
      return assume("kubelet.eviction_hard: 100 MiB, the kubelet's default (the node has no allocatable memory)");
    }
    const Reserved reserved = reserved_of(capacity, *allocatable, huge);
    root_["kubelet"] = {{"eviction_hard", reserved.eviction}};
    if (reserved.eviction == kDefaultEvictionHard)
      assume("kubelet.eviction_hard: memory.available<100Mi, the kubelet's default (" + std::string(kNotInNode) + ")");
    else if (reserved.eviction > 0)
      assume("kubelet.eviction_hard: " + bytes_text(Bytes(reserved.eviction)) +
             ", all that capacity exceeds allocatable by (less than the kubelet's default of 100 MiB)");
    else
      assume("kubelet.eviction_hard: none (nothing is held back: allocatable is the capacity)");
    // getNodeAllocatableAbsolute(): huge pages stay in it, since a cgroup's memory.max does not count them.
    const int64_t pods = capacity - reserved.daemons;
    // The program's group lies below kubepods.slice. --cgroup and --limits-from limit the program's group.
    root_["cgroups"] = ordered_json::array({{{"path", kPodsGroup}, {"memory.max", pods}}});
    root_["cgroup"] = {{"path", std::string(kPodsGroup) + "/pod"}};
    assume("kube-reserved and system-reserved: " + bytes_text(Bytes(reserved.daemons)) +
           " together (capacity less allocatable, less what eviction holds back)");
    assume("cgroup " + std::string(kPodsGroup) + ": memory.max " + bytes_text(Bytes(pods)) +
           ", as the kubelet enforces it on all pods by default (enforceNodeAllocatable)");
  }

  void note_pressure() {
    const YAML::Node conditions = value_at(node_, "status", "conditions");
    if (!conditions || !conditions.IsSequence()) return;
    for (const YAML::Node& condition : conditions)
      if (word(condition, "type") == "MemoryPressure" && word(condition, "status") == "True")
        assume("memory in use: none, but the node reports MemoryPressure: what runs there now leaves less than this");
  }

  const YAML::Node node_;
  const std::string& path_;
  ordered_json root_;
  std::vector<std::string> assumed_;
};

}  // namespace

bool is_kubernetes_node(std::string_view text) {
  // Every Kubernetes object has apiVersion and kind, in YAML or in JSON.
  if (text.find("apiVersion") == std::string_view::npos) return false;
  for (const std::string_view mark :
       {"kind: Node", "kind: List", "kind: NodeList", "\"Node\"", "\"List\"", "\"NodeList\""})
    if (text.find(mark) != std::string_view::npos) return true;
  return false;
}

Result<host::HostSpec> host_of_kubernetes_node(const std::string& text, const std::string& path, std::optional<int> nth,
                                               const std::string& name) {
  if (text.size() > kMostBytes)
    return Error{path + ": larger than 64 MiB; give fewer nodes: 'kubectl get node NAME -o yaml'"};
  try {
    refuse_anchors(text);
    std::vector<YAML::Node> nodes;
    for (const YAML::Node& document : YAML::LoadAll(text)) add_nodes(document, nodes);
    return NodeReader(chosen(nodes, nth, name), path).read();
  } catch (const Mistake& mistake) {
    return Error{path + (mistake.line > 0 ? ":" + std::to_string(mistake.line) : "") + ": " + mistake.message};
  } catch (const YAML::Exception& error) {
    return Error{not_yaml_text(path, error)};
  }
}

}  // namespace oomcast::report
