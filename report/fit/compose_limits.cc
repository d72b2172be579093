// Reads the limits of Compose services. See compose_limits.h; moby's daemon_unix.go, runc's cgroups/fs2/memory.go.
#include "report/fit/compose_limits.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "model/spec/parse_text.h"
#include "report/fit/compose_variables.h"
#include "report/kubernetes/container_settings.h"
#include "report/whole_file.h"
#include "report/yaml_values.h"

namespace oomcast::report {
namespace {

constexpr int64_t kMostBytes = int64_t{4} << 20;
constexpr size_t kMostExtended = 16;

/// Docker's sizes are binary: "512m", "1.5g", "64 MB", "2GiB", "1024b".
std::optional<int64_t> docker_bytes(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (text.ends_with("B") && text.size() > 1) text.pop_back();
  if (text.ends_with("I") && text.size() > 1) text.pop_back();
  if (text.find_first_of("BI") != std::string::npos) return std::nullopt;
  return host::parse_size_bytes(text);
}

/// A service and those that it extends, itself first.
class Layers {
 public:
  Layers(const YAML::Node& services, const std::string& name, const std::string& path) { add(services, name, path); }

  /// The value at the end of the path in the first layer that has one.
  template <class... Keys>
  YAML::Node find(const Keys&... keys) const {
    for (const YAML::Node& layer : layers_)
      if (const YAML::Node found = value_at(layer, keys...); found && !found.IsNull()) return found;
    return YAML::Node(YAML::NodeType::Undefined);
  }

  /// Entries of the lists of all layers, those of the outermost base first; a single value is a list of one.
  std::vector<YAML::Node> entries(const std::string& key) const {
    std::vector<YAML::Node> found;
    for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
      const YAML::Node list = value_at(*layer, key);
      if (list && list.IsSequence())
        for (const YAML::Node& entry : list) found.push_back(entry);
      else if (list && !list.IsNull())
        found.push_back(list);
    }
    return found;
  }

 private:
  void add(const YAML::Node& services, const std::string& name, const std::string& path) {
    const YAML::Node service = value_at(services, name);
    if (!service) throw BadManifest("extends the service " + host::quote(name) + ", which " + path + " does not have");
    layers_.push_back(service);
    if (layers_.size() > kMostExtended)
      throw BadManifest("extends more than " + std::to_string(kMostExtended) + " services; is it a circle?");
    const YAML::Node extends = value_at(service, "extends");
    if (!extends || extends.IsNull()) return;
    const YAML::Node base = extends.IsScalar() ? extends : value_at(extends, "service");
    const YAML::Node file = value_at(extends, "file");
    if (!base || !base.IsScalar() || (file && !file.IsScalar()))
      throw BadManifest("extends: expected the name of a service, or service: and file:");
    if (!file) return add(services, base.Scalar(), path);
    const std::string other = (std::filesystem::path(path).parent_path() / file.Scalar()).string();
    const auto text = read_whole_file(other, kMostBytes);
    if (!text) throw BadManifest("extends " + host::quote(other) + ", which cannot be read: " + text.error().message);
    add(value_at(YAML::Load(text.value()), "services"), base.Scalar(), other);
  }

  std::vector<YAML::Node> layers_;
};

class ServiceReader {
 public:
  ServiceReader(const Layers& layers, const ComposeVariables& variables) : layers_(layers), variables_(variables) {}

  void read(ComposeService& out) {
    read_memory(out);
    out.tmpfs = mounts();
    if (const YAML::Node adj = layers_.find("oom_score_adj")) out.oom_score_adj = adj_of(adj);
    out.limited = !out.cgroup.empty() || out.oom_score_adj || says_mounts_;
    for (const auto& [key, harmless] : {std::pair("oom_kill_disable", "false"), std::pair("mem_swappiness", "-1")})
      if (const YAML::Node value = layers_.find(key); value && text_of(value, key) != harmless)
        out.assumed.push_back(std::string(key) + ": not set on the target (cgroup v2 has no such file)");
  }

 private:
  std::string text_of(const YAML::Node& node, const std::string& what) const {
    if (!node.IsScalar()) throw BadManifest(what + " is not a single value");
    try {
      return variables_.put_in(node.Scalar());
    } catch (const BadManifest& bad) {
      throw BadManifest(what + ": " + bad.what());
    }
  }

  int64_t size_of(const YAML::Node& node, const std::string& what) const {
    const std::string text = text_of(node, what);
    const auto bytes = docker_bytes(text);
    if (!bytes) throw BadManifest(what + ": " + host::quote(text) + " is no size, such as 512m or 1.5g");
    return *bytes;
  }

  int adj_of(const YAML::Node& node) const {
    const std::string text = text_of(node, "oom_score_adj");
    const auto adj = host::parse_integer(text, -1000, 1000);
    if (!adj) throw BadManifest("oom_score_adj: " + host::quote(text) + ", expected -1000 to 1000");
    return static_cast<int>(*adj);
  }

  /// The older key of the service, or the one below deploy.resources; 0 where neither is there.
  int64_t either(const char* key, const char* part) const {
    const YAML::Node older = layers_.find(key), newer = layers_.find("deploy", "resources", part, "memory");
    const std::string newer_name = std::string("deploy.resources.") + part + ".memory";
    const int64_t first = older ? size_of(older, key) : 0, second = newer ? size_of(newer, newer_name) : 0;
    if (older && newer && first != second)
      throw BadManifest(std::string(key) + " and " + newer_name + " differ, which Compose refuses");
    return newer ? second : first;
  }

  void read_memory(ComposeService& out) const {
    const int64_t limit = either("mem_limit", "limits"), reserved = either("mem_reservation", "reservations");
    const YAML::Node both = layers_.find("memswap_limit");
    const bool any_swap = both && text_of(both, "memswap_limit") == "-1";
    const int64_t memory_and_swap = both && !any_swap ? size_of(both, "memswap_limit") : 0;
    if (memory_and_swap > 0 && limit == 0)
      throw BadManifest("memswap_limit without mem_limit, which Docker refuses; it is the sum of memory and swap");
    if (memory_and_swap > 0 && memory_and_swap < limit)
      throw BadManifest("memswap_limit is less than mem_limit, which Docker refuses; it is the sum of memory and swap");
    if (limit > 0 && reserved > limit)
      throw BadManifest("the reservation of memory is more than the limit, which Docker refuses");
    const auto add = [&](const char* file, int64_t bytes) {
      out.cgroup.push_back(file + ("=" + std::to_string(bytes)));
    };
    if (limit > 0) add("memory.max", limit);
    if (reserved > 0) add("memory.low", reserved);
    if (limit == 0 || any_swap) return;
    // Docker makes memory and swap together twice the memory where the file does not say.
    add("memory.swap.max", memory_and_swap > 0 ? memory_and_swap - limit : limit);
    if (memory_and_swap == 0)
      out.assumed.emplace_back("memory.swap.max of the container: as much as memory.max (Docker's default)");
  }

  /// What Docker mounts into the container.
  std::vector<std::string> mounts() {
    std::vector<std::string> found;
    const YAML::Node ipc = layers_.find("ipc"), shm = layers_.find("shm_size");
    if (shm)
      found.push_back("/dev/shm=" + std::to_string(size_of(shm, "shm_size")));
    else if (!ipc || text_of(ipc, "ipc") != "host")
      found.emplace_back(kShmOfContainers);
    const size_t own = found.size();
    for (const YAML::Node& entry : layers_.entries("tmpfs")) found.push_back(short_mount(text_of(entry, "tmpfs")));
    for (const YAML::Node& volume : layers_.entries("volumes"))
      if (const YAML::Node type = value_at(volume, "type"); type && type.IsScalar() && type.Scalar() == "tmpfs")
        found.push_back(long_mount(volume));
    says_mounts_ = shm || found.size() > own;
    return found;
  }

  static std::string checked(const std::string& mount) {
    if (!mount.starts_with('/')) throw BadManifest("tmpfs: " + host::quote(mount) + " does not begin with /");
    return mount;
  }

  /// "/run" and "/run:size=64m,mode=755".
  static std::string short_mount(const std::string& text) {
    const size_t colon = text.find(':');
    std::string mount = checked(text.substr(0, colon));
    std::istringstream options(colon == std::string::npos ? "" : text.substr(colon + 1));
    for (std::string option; std::getline(options, option, ',');) {
      if (!option.starts_with("size=")) continue;
      const auto bytes = docker_bytes(option.substr(5));
      if (!bytes) throw BadManifest("tmpfs: " + host::quote(option) + " is no size");
      mount += "=" + std::to_string(*bytes);
    }
    return mount;
  }

  /// {type: tmpfs, target: /run, tmpfs: {size: 64m}}
  std::string long_mount(const YAML::Node& volume) const {
    const YAML::Node target = value_at(volume, "target"), size = value_at(volume, "tmpfs", "size");
    if (!target) throw BadManifest("a volume of type tmpfs has no target");
    const std::string mount = checked(text_of(target, "target of a volume"));
    return size ? mount + "=" + std::to_string(size_of(size, "tmpfs.size of " + mount)) : mount;
  }

  const Layers& layers_;
  const ComposeVariables& variables_;
  bool says_mounts_ = false;  // beyond the default
};

}  // namespace

std::vector<ComposeService> services_in(const YAML::Node& document, const std::string& path) {
  std::vector<ComposeService> found;
  const YAML::Node services = value_at(document, "services");
  if (!services || !services.IsMap()) return found;
  const ComposeVariables variables(path);
  for (const auto& pair : services) {
    if (!pair.first.IsScalar()) throw BadManifest("the name of a service is not a single value");
    if (pair.first.Scalar() == "<<") continue;
    ComposeService& service = found.emplace_back();
    service.name = pair.first.Scalar();
    try {
      ServiceReader(Layers(services, service.name, path), variables).read(service);
    } catch (const BadManifest& bad) {
      service.error = "service " + host::quote(service.name) + ": " + bad.what();
    }
  }
  return found;
}

}  // namespace oomcast::report
