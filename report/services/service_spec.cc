// Reads which services share a host. See service_spec.h.
#include "report/services/service_spec.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "model/host/service.h"
#include "model/spec/parse_text.h"
#include "model/spec/read_host.h"
#include "report/whole_file.h"
#include "report/yaml_values.h"

namespace oomcast::report {
namespace {

constexpr int64_t kMostYamlBytes = int64_t{1} << 20;
constexpr size_t kMostNameChars = 64;
constexpr double kMostStartS = 24 * 3600;

const std::vector<std::string> kKeys = {"name",
                                        "trace",
                                        "count",
                                        "start",
                                        "cpu-node",
                                        "oom_score_adj",
                                        "limits-from",
                                        "request",
                                        "priority",
                                        "memory.max",
                                        "memory.high",
                                        "memory.low",
                                        "memory.min",
                                        "memory.swap.max",
                                        "memory.swap.high",
                                        "memory.zswap.max",
                                        "memory.zswap.writeback",
                                        "memory.oom.group"};

bool good_name(const std::string& name) {
  return !name.empty() && name.size() <= kMostNameChars && name.front() != '.' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
             std::string::npos;
}

/// "10s", "500ms", "2m", "1.5h", or seconds. Nothing if this is no time from 0 to 24 hours.
std::optional<Nanoseconds> start_of(const std::string& text) {
  static const std::map<std::string, double> kUnits = {{"", 1}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}};
  const size_t digits = text.find_first_not_of("0123456789.");
  const std::string number = text.substr(0, digits), unit = digits == std::string::npos ? "" : text.substr(digits);
  if (number.empty() || number == "." || std::count(number.begin(), number.end(), '.') > 1 || number.size() > 15 ||
      !kUnits.contains(unit))
    return std::nullopt;
  const double seconds = std::stod(number) * kUnits.at(unit);
  if (seconds > kMostStartS) return std::nullopt;
  return Nanoseconds(static_cast<int64_t>(std::llround(seconds * 1e9)));
}

Result<int> number_of(const std::string& key, const std::string& value, int64_t least, int64_t most) {
  const auto number = host::parse_integer(value, least, most);
  if (!number)
    return Error{key + "=" + host::quote(value) + ", expected a number from " + std::to_string(least) + " to " +
                 std::to_string(most)};
  return static_cast<int>(*number);
}

Result<void> set_number(std::optional<int>& out, const std::string& key, const std::string& value, int64_t least,
                        int64_t most) {
  auto number = number_of(key, value, least, most);
  if (!number) return number.error();
  out = number.value();
  return {};
}

/// Checks the limit as --cgroup does.
Result<void> add_limit(ServiceSpec& service, const std::string& key, const std::string& value) {
  host::HostSpec unused;
  const std::string limit = key + "=" + value;
  if (auto set = host::set_cgroup(unused, limit); !set)
    return Error{key + "=" + host::quote(value) + ", expected " +
                 (key == "memory.oom.group" ? "0 or 1" : "a size such as 512M, bytes, or max")};
  service.limits.push_back(limit);
  return {};
}

Result<void> set_key(ServiceSpec& service, const std::string& key, const std::string& value) {
  if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end())
    return Error{"no key " + host::quote(key) + host::suggestion(key, kKeys)};
  if (key.starts_with("memory.")) return add_limit(service, key, value);
  if (key == "cpu-node") return set_number(service.cpu_node, key, value, 0, 1023);
  if (key == "oom_score_adj") return set_number(service.oom_score_adj, key, value, -1000, 1000);
  if (key == "priority") return set_number(service.priority, key, value, INT32_MIN, INT32_MAX);
  if (key == "request") {
    const auto bytes = host::parse_size_bytes(value);
    if (!bytes) return Error{key + "=" + host::quote(value) + ", expected a size such as 512M"};
    service.memory_request = Bytes(*bytes);
    return {};
  }
  if (key == "limits-from") {
    if (value.empty()) return Error{"limits-from= is empty"};
    service.limits_from = value;
    return {};
  }
  if (key == "count") {
    auto count = number_of(key, value, 1, static_cast<int64_t>(host::kServicesMax));
    if (!count) return count.error();
    service.count = count.value();
  } else if (key == "start") {
    const auto start = start_of(value);
    if (!start)
      return Error{"start=" + host::quote(value) + ", expected a time from 0 to 24h, for example 10s, 500ms or 2m"};
    service.start = *start;
  } else if (key == "name") {
    if (!good_name(value))
      return Error{"name=" + host::quote(value) + ", expected at most 64 letters, digits, '.', '_' and '-'"};
    service.name = value;
  } else {
    if (value.empty()) return Error{"trace= is empty"};
    service.trace = value;
  }
  return {};
}

/// Keys in the order given. An error if one is given twice.
Result<ServiceSpec> service_with(const std::vector<std::pair<std::string, std::string>>& keys) {
  ServiceSpec service;
  std::set<std::string> seen;
  for (const auto& [key, value] : keys) {
    if (!seen.insert(key).second) return Error{key + " is given twice"};
    if (auto set = set_key(service, key, value); !set) return set.error();
  }
  if (service.trace.empty()) return Error{"no trace=FILE; 'oomcast run --trace FILE' records one"};
  if (service.name.empty()) service.name = service_of_trace(service.trace).name;
  return service;
}

Result<ServiceSpec> service_in_yaml(const YAML::Node& node, const std::string& name) {
  if (!node.IsMap()) return Error{"not a map of keys such as trace and memory.max"};
  std::vector<std::pair<std::string, std::string>> keys;
  if (!name.empty()) keys.emplace_back("name", name);
  for (const auto& pair : merged_entries(node)) {
    if (!pair.first.IsScalar() || !pair.second.IsScalar())
      return Error{(pair.first.IsScalar() ? host::quote(pair.first.Scalar()) : "a key") + " is not a single value"};
    keys.emplace_back(pair.first.Scalar(), pair.second.Scalar());
  }
  return service_with(keys);
}

}  // namespace

ServiceSpec service_of_trace(const std::string& path) {
  ServiceSpec service;
  service.trace = path;
  service.name = std::filesystem::path(path).stem().string().substr(0, kMostNameChars);
  for (char& c : service.name)
    if (!good_name(std::string("x") + c)) c = '_';
  if (!good_name(service.name)) service.name = "service";
  return service;
}

Result<ServiceSpec> parse_service(const std::string& words) {
  std::vector<std::pair<std::string, std::string>> keys;
  for (size_t at = 0; at <= words.size();) {
    const size_t comma = std::min(words.find(',', at), words.size());
    const std::string word = words.substr(at, comma - at);
    const size_t equals = word.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error{"--service " + host::quote(words) + ": " + host::quote(word) +
                   " is not KEY=VALUE, for example trace=web.trace,memory.max=512M"};
    keys.emplace_back(word.substr(0, equals), word.substr(equals + 1));
    at = comma + 1;
  }
  auto service = service_with(keys);
  if (!service) return Error{"--service " + host::quote(words) + ": " + service.error().message};
  return service;
}

Result<std::vector<ServiceSpec>> parse_services(const std::string& yaml, const std::string& path) {
  try {
    const YAML::Node document = YAML::Load(yaml);
    const YAML::Node services = document.IsMap() ? document["services"] : document;
    if (!services || !(services.IsMap() || services.IsSequence()) || services.size() == 0)
      return Error{path +
                   ": no services; expected 'services:' with a map from names to keys such as trace and memory.max"};
    std::vector<ServiceSpec> found;
    for (const auto& entry : services) {
      const bool named = services.IsMap();
      if (named && !entry.first.IsScalar()) return Error{path + ": the name of a service is not a single value"};
      const YAML::Node& keys = named ? entry.second : static_cast<const YAML::Node&>(entry);
      auto service = service_in_yaml(keys, named ? entry.first.Scalar() : "");
      if (!service)
        return Error{path + ":" + std::to_string(keys.Mark().line + 1) + ": " +
                     (named ? "service " + host::quote(entry.first.Scalar()) + ": " : "") + service.error().message};
      const std::filesystem::path beside = std::filesystem::path(path).parent_path() / service->trace;
      service.value().trace = beside.string();
      if (!service->limits_from.empty())
        service.value().limits_from = (std::filesystem::path(path).parent_path() / service->limits_from).string();
      found.push_back(std::move(service).value());
    }
    return found;
  } catch (const YAML::Exception& error) {
    return Error{not_yaml_text(path, error)};
  }
}

Result<std::vector<ServiceSpec>> read_services(const std::string& path) {
  auto text = read_whole_file(path, kMostYamlBytes);
  if (!text) return Error{"--services " + path + ": " + text.error().message};
  auto services = parse_services(text.value(), path);
  if (!services) return Error{"--services " + services.error().message};
  return services;
}

Result<std::vector<ServiceSpec>> expanded(const std::vector<ServiceSpec>& services) {
  std::vector<ServiceSpec> copies;
  std::set<std::string> names;
  for (const ServiceSpec& service : services) {
    if (copies.size() + static_cast<size_t>(service.count) > host::kServicesMax)
      return Error{"more than " + std::to_string(host::kServicesMax) + " services, copies included"};
    for (int nth = 1; nth <= service.count; ++nth) {
      ServiceSpec copy = service;
      copy.count = 1;
      if (service.count > 1) copy.name += "-" + std::to_string(nth);
      if (!names.insert(copy.name).second)
        return Error{"two services are called " + host::quote(copy.name) +
                     "; give one another name (--service name=...,trace=FILE), or count=N for copies"};
      copies.push_back(std::move(copy));
    }
  }
  return copies;
}

}  // namespace oomcast::report
