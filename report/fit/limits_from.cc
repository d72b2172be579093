// Finds memory limits in Kubernetes manifests, Compose files and systemd units. See limits_from.h.
#include "report/fit/limits_from.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "model/spec/percentage.h"
#include "report/fit/compose_limits.h"
#include "report/kubernetes/container_settings.h"
#include "report/whole_file.h"
#include "report/words/format.h"
#include "report/yaml_values.h"

namespace oomcast::report {
namespace {

constexpr int64_t kMostBytes = int64_t{4} << 20;
constexpr size_t kMostNamed = 12;

/// One service of a file, or one container.
struct Candidate {
  std::string owner, name;
  LimitsFrom limits;
  bool limited = false;  // it says something of memory
  std::string error;
};

Candidate candidate_of(PodContainer container) {
  Candidate candidate{container.owner, container.name, {}, container.memory_limit.has_value(), ""};
  candidate.limits.pod = std::move(container);
  return candidate;
}

Candidate candidate_of(ComposeService service) {
  Candidate candidate{"", service.name, {}, service.limited || !service.error.empty(), service.error};
  candidate.limits.cgroup = std::move(service.cgroup);
  candidate.limits.tmpfs = std::move(service.tmpfs);
  candidate.limits.oom_score_adj = service.oom_score_adj;
  candidate.limits.assumed = std::move(service.assumed);
  return candidate;
}

std::vector<Candidate> candidates_in(const std::string& text, const std::string& path) {
  std::vector<Candidate> found;
  for (const YAML::Node& document : YAML::LoadAll(text)) {
    for (PodContainer& container : containers_in(document)) found.push_back(candidate_of(std::move(container)));
    for (ComposeService& service : services_in(document, path)) found.push_back(candidate_of(std::move(service)));
  }
  return found;
}

std::string full_name(const Candidate& one) { return one.owner.empty() ? one.name : one.owner + "/" + one.name; }

std::string names_of(const std::vector<const Candidate*>& candidates) {
  std::set<std::string> owners;
  for (const Candidate* one : candidates) owners.insert(one->owner);
  std::vector<std::string> names;
  for (const Candidate* one : candidates) names.push_back(owners.size() > 1 ? full_name(*one) : one->name);
  return list_text(names, kMostNamed);
}

const Candidate& called(const std::vector<const Candidate*>& all, const std::string& service) {
  std::vector<const Candidate*> matches;
  for (const Candidate* one : all)
    if (one->name == service || full_name(*one) == service) matches.push_back(one);
  if (matches.empty()) throw BadManifest("no service or container '" + service + "'; there are: " + names_of(all));
  if (matches.size() > 1)
    throw BadManifest("several containers are called '" + service + "' (" + names_of(matches) +
                      "); choose one: FILE:OBJECT/NAME");
  return *matches.front();
}

/// The one that is meant where no name is given: the only one with a limit, or the only one. Init containers and
/// sidecars are meant by their names only.
const Candidate& the_only(const std::vector<const Candidate*>& all) {
  std::vector<const Candidate*> main, limited;
  for (const Candidate* one : all)
    if (!one->limits.pod || !(one->limits.pod->starts_pod || one->limits.pod->sidecar)) main.push_back(one);
  std::copy_if(main.begin(), main.end(), std::back_inserter(limited),
               [](const Candidate* one) { return one->limited; });
  if (limited.size() == 1) return *limited.front();
  if (limited.size() > 1)
    throw BadManifest("several services have limits (" + names_of(all) + "); choose one: FILE:NAME");
  // A container of a pod says something even without a limit: it is of some class of service.
  const bool pods = !main.empty() && std::all_of(main.begin(), main.end(),
                                                 [](const Candidate* one) { return one->limits.pod.has_value(); });
  if (pods && main.size() == 1) return *main.front();
  if (pods) throw BadManifest("several containers, none with a limit (" + names_of(all) + "); choose one: FILE:NAME");
  throw BadManifest(
      "no memory limit in it; expected limits.memory of a container, mem_limit of a service, or MemoryMax= of a unit");
}

LimitsFrom chosen(const std::vector<Candidate>& found, const std::string& service) {
  std::vector<const Candidate*> all;
  for (const Candidate& one : found) all.push_back(&one);
  const Candidate& candidate = service.empty() ? the_only(all) : called(all, service);
  if (!candidate.error.empty()) throw BadManifest(candidate.error);
  return candidate.limits;
}

LimitsFrom of_unit(UnitLimits unit, const std::string& path) {
  if (!unit.any())
    throw BadManifest(
        path + ": no memory limit in it; expected MemoryMax=, MemoryHigh= or the like below [Service] or [Slice]");
  LimitsFrom limits;
  limits.cgroup = std::move(unit.cgroup);
  limits.shares = std::move(unit.shares);
  limits.oom_score_adj = unit.oom_score_adj;
  limits.assumed = std::move(unit.assumed);
  return limits;
}

/// Templates of Helm, Jinja and the like have their marks where YAML has values, or where it breaks.
Error error_in(const std::string& text, const std::string& path, std::string message) {
  const size_t mark = std::min(text.find("{{"), text.find("{%"));
  if (mark == std::string::npos) return Error{std::move(message)};
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(mark), '\n');
  return Error{path + ":" + std::to_string(line) +
               ": looks like a template that was not rendered; give what 'helm template CHART' or the like prints (" +
               message + ")"};
}

}  // namespace

Result<LimitsFrom> limits_of(const std::string& text, const std::string& path, const std::string& service) {
  try {
    if (!is_unit(text, path)) return chosen(candidates_in(text, path), service);
    try {
      return of_unit(limits_in_unit(text, path), path);
    } catch (const BadManifest& bad) {
      return Error{bad.what()};
    }
  } catch (const YAML::Exception& error) {
    return error_in(text, path, not_yaml_text(path, error));
  } catch (const BadManifest& bad) {
    return error_in(text, path, path + ": " + bad.what());
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
  out.oom_score_adj = limits.oom_score_adj;
  out.assumed = limits.assumed;
  for (const ShareOfHost& share : limits.shares) {
    const Bytes whole = share.file == "memory.swap.max" ? swap_of(host) : to_bytes(host.total_ram);
    out.cgroup.push_back(share.file + "=" + std::to_string(host::share_of(whole, share.permyriad).count()));
  }
  if (!limits.pod) return out;
  ContainerSettings settings = settings_of(*limits.pod, host);
  out.cgroup = std::move(settings.limits);
  out.tmpfs = std::move(settings.tmpfs);
  out.assumed = std::move(settings.assumed);
  out.oom_score_adj = settings.oom_score_adj;
  out.memory_request = Bytes(limits.pod->memory_request.value_or(0) + limits.pod->pod_share);
  out.priority = static_cast<int>(limits.pod->priority);
  return out;
}

}  // namespace oomcast::report
