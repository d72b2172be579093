// Finds memory limits in Kubernetes manifests, Compose files and systemd units.
#include "report/fit/limits_from.h"

#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <optional>
#include <sstream>

#include "model/spec/parse_text.h"
#include "report/kubernetes/quantity.h"
#include "report/whole_file.h"
#include "report/yaml_values.h"

namespace oomcast::report {
namespace {

constexpr int64_t kMostBytes = int64_t{4} << 20;

/// Thrown inside this file only; limits_of() turns it into a Result.
struct Mistake {
  std::string message;
};

struct Limits {
  std::string service;
  std::optional<int64_t> max, high, memory_and_swap, swap_max;
  std::optional<std::vector<std::string>> tmpfs;
  bool says_tmpfs = false;  // beyond the default
  std::optional<PodContainer> pod;
};

/// Docker's and systemd's sizes are binary: "512m", "1.5g", "512M"; systemd's "infinity" is no limit.
std::optional<int64_t> binary_bytes(const std::string& text) {
  std::string upper = text;
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (upper.ends_with("B") && upper.size() > 1 && upper[upper.size() - 2] >= 'A') upper.pop_back();
  return host::parse_size_bytes(upper);
}

std::string scalar(const YAML::Node& node, const std::string& what) {
  if (!node.IsScalar()) throw Mistake{what + " is not a single value"};
  return node.Scalar();
}

int64_t size_of(const YAML::Node& node, const std::string& what, std::optional<int64_t> (*parse)(const std::string&)) {
  std::string text = scalar(node, what);
  auto bytes = parse(text);
  if (!bytes) throw Mistake{what + ": " + host::quote(text) + " is no size"};
  return *bytes;
}

void add_containers(const YAML::Node& document, std::vector<Limits>& found) {
  for (PodContainer& container : containers_in(document)) {
    Limits limits;
    limits.service = container.name;
    limits.max = container.memory_limit;
    limits.pod = std::move(container);
    found.push_back(std::move(limits));
  }
}

/// "tmpfs:" of a service: one or a list of "/run" and "/run:size=64m,mode=755".
void add_tmpfs(const YAML::Node& entry, std::vector<std::string>& mounts) {
  const std::string text = scalar(entry, "tmpfs");
  const size_t colon = text.find(':');
  std::string mount = text.substr(0, colon);
  if (!mount.starts_with('/')) throw Mistake{"tmpfs: " + host::quote(mount) + " does not begin with /"};
  std::istringstream options(colon == std::string::npos ? "" : text.substr(colon + 1));
  for (std::string option; std::getline(options, option, ',');) {
    if (!option.starts_with("size=")) continue;
    const auto bytes = binary_bytes(option.substr(5));
    if (!bytes) throw Mistake{"tmpfs: " + host::quote(option) + " is no size"};
    mount += "=" + std::to_string(*bytes);
  }
  mounts.push_back(std::move(mount));
}

/// What Docker mounts into the container.
std::vector<std::string> tmpfs_of(const YAML::Node& service) {
  std::vector<std::string> mounts;
  const YAML::Node ipc = value_at(service, "ipc"), shm = value_at(service, "shm_size"),
                   tmpfs = value_at(service, "tmpfs");
  if (shm)
    mounts.push_back("/dev/shm=" + std::to_string(size_of(shm, "shm_size", binary_bytes)));
  else if (!ipc || !ipc.IsScalar() || ipc.Scalar() != "host")
    mounts.push_back(kShmOfContainers);
  if (tmpfs && tmpfs.IsSequence())
    for (const YAML::Node& entry : tmpfs) add_tmpfs(entry, mounts);
  else if (tmpfs)
    add_tmpfs(tmpfs, mounts);
  return mounts;
}

void add_services(const YAML::Node& document, std::vector<Limits>& found) {
  YAML::Node services = value_at(document, "services");
  if (!services || !services.IsMap()) return;
  for (const auto& pair : services) {
    Limits limits;
    limits.service = scalar(pair.first, "the name of a service");
    const YAML::Node service = pair.second;
    if (YAML::Node max = value_at(service, "mem_limit")) limits.max = size_of(max, "mem_limit", binary_bytes);
    if (YAML::Node swap = value_at(service, "memswap_limit"))
      limits.memory_and_swap = size_of(swap, "memswap_limit", binary_bytes);
    if (YAML::Node memory = value_at(service, "deploy", "resources", "limits", "memory"))
      limits.max = size_of(memory, "limits.memory", binary_bytes);
    limits.tmpfs = tmpfs_of(service);
    limits.says_tmpfs = value_at(service, "shm_size") || value_at(service, "tmpfs");
    found.push_back(limits);
  }
}

std::vector<Limits> limits_in_yaml(const std::string& text) {
  std::vector<Limits> found;
  for (const YAML::Node& document : YAML::LoadAll(text)) {
    add_containers(document, found);
    add_services(document, found);
  }
  return found;
}

Limits limits_in_unit(const std::string& text) {
  Limits limits;
  for (const host::Line& line : host::lines(text)) {
    size_t equals = line.text.find('=');
    if (equals == std::string_view::npos) continue;
    std::string key(host::trim(line.text.substr(0, equals))), value(host::trim(line.text.substr(equals + 1)));
    std::optional<int64_t>* limit = key == "MemoryMax" || key == "MemoryLimit" ? &limits.max
                                    : key == "MemoryHigh"                      ? &limits.high
                                    : key == "MemorySwapMax"                   ? &limits.swap_max
                                                                               : nullptr;
    if (limit == nullptr) continue;
    // An empty value or "infinity" takes back what an earlier line has set.
    *limit = value.empty() || value == "infinity" ? std::nullopt : binary_bytes(value);
    if (!*limit && !value.empty() && value != "infinity")
      throw Mistake{"line " + std::to_string(line.number) + ": " + key + "=" + host::quote(value) +
                    " is no size in bytes (percentages depend on the host; write the bytes)"};
  }
  return limits;
}

bool any(const Limits& limits) {
  return limits.max || limits.high || limits.memory_and_swap || limits.swap_max || limits.says_tmpfs;
}

std::vector<std::string> as_cgroup(const Limits& limits) {
  std::vector<std::string> words;
  const auto add = [&](const char* file, const std::optional<int64_t>& bytes) {
    if (bytes) words.push_back(std::string(file) + "=" + std::to_string(*bytes));
  };
  add("memory.max", limits.max);
  add("memory.high", limits.high);
  std::optional<int64_t> swap = limits.swap_max;
  if (limits.memory_and_swap && limits.max) swap = std::max<int64_t>(0, *limits.memory_and_swap - *limits.max);
  add("memory.swap.max", swap);
  return words;
}

Limits chosen(const std::vector<Limits>& found, const std::string& service) {
  std::string names;
  const Limits* only = nullptr;
  int limited = 0;
  for (const Limits& one : found) {
    names += (names.empty() ? "" : ", ") + one.service;
    if (!service.empty() && one.service == service) return one;
    if (any(one)) ++limited, only = &one;
  }
  if (!service.empty()) throw Mistake{"no service or container '" + service + "'; there are: " + names};
  // The only container of a pod says something even without a limit: it is of some class of service.
  if (found.size() == 1 && found.front().pod) return found.front();
  if (limited > 1) throw Mistake{"several services have limits (" + names + "); choose one: FILE:NAME"};
  return only ? *only : Limits{};
}

}  // namespace

Result<LimitsFrom> limits_of(const std::string& text, const std::string& path, const std::string& service) {
  try {
    bool unit = path.ends_with(".service") || path.ends_with(".slice") || path.ends_with(".conf");
    Limits limits = unit ? limits_in_unit(text) : chosen(limits_in_yaml(text), service);
    if (!any(limits) && !limits.pod)
      return Error{path +
                   ": no memory limit in it; expected limits.memory of a container, mem_limit of a service, or "
                   "MemoryMax= of a unit"};
    return LimitsFrom{as_cgroup(limits), limits.tmpfs, limits.pod};
  } catch (const Mistake& mistake) {
    return Error{path + ": " + mistake.message};
  } catch (const YAML::Exception& error) {
    return Error{not_yaml_text(path, error)};
  } catch (const BadManifest& bad) {
    return Error{path + ": " + bad.what()};
  }
}

Result<LimitsFrom> read_limits(const std::string& path, const std::string& service) {
  auto text = read_whole_file(path, kMostBytes);
  if (!text) return Error{path + ": cannot be read: " + text.error().message};
  return limits_of(text.value(), path, service);
}

Result<LimitsFrom> read_limits(const std::string& file_and_service) {
  size_t colon = file_and_service.rfind(':');
  // A path may hold a colon itself.
  if (colon == std::string::npos || std::filesystem::exists(file_and_service)) return read_limits(file_and_service, "");
  return read_limits(file_and_service.substr(0, colon), file_and_service.substr(colon + 1));
}

LimitsOnHost on_host(const LimitsFrom& limits, const host::HostSpec& host) {
  LimitsOnHost out;
  out.cgroup = limits.cgroup;
  out.tmpfs = limits.tmpfs;
  if (!limits.pod) return out;
  const ContainerSettings settings = settings_of(*limits.pod, host);
  out.cgroup = settings.limits;
  out.tmpfs = settings.tmpfs;
  out.oom_score_adj = settings.oom_score_adj;
  out.memory_request = Bytes(limits.pod->memory_request.value_or(0));
  out.priority = static_cast<int>(limits.pod->priority);
  return out;
}

}  // namespace oomcast::report
