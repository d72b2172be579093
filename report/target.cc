// Makes the machine and the limits that the user asked for. See target.h.
#include "report/target.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "model/spec/node_list.h"
#include "model/spec/read_host.h"
#include "report/fit/limits_from.h"

namespace oomcast::report {
namespace {

bool has_cpus(const host::HostSpec& host, int node) {
  for (const host::NodeSpec& n : host.nodes)
    if (n.id.value == node) return !n.cpus.empty();
  return false;
}

struct PolicyOption {
  const char* name;
  const std::string& nodes;
  host::PolicyMode mode;
};

std::array<PolicyOption, 3> policy_options(const RunOptions& options) {
  return {{{"--membind", options.membind, host::PolicyMode::kBind},
           {"--interleave", options.interleave, host::PolicyMode::kInterleave},
           {"--preferred", options.preferred, host::PolicyMode::kPreferred}}};
}

std::optional<Error> bad_policy(const RunOptions& options, const host::HostSpec& host) {
  for (const PolicyOption& policy : policy_options(options)) {
    if (policy.nodes.empty()) continue;
    if (auto mask = host::parse_node_list(policy.nodes, host); !mask)
      return Error{std::string(policy.name) + ": " + mask.error().message};
  }
  return std::nullopt;
}

}  // namespace

Result<host::HostSpec> with_settings(host::HostSpec host, const RunOptions& options) {
  for (const std::string& change : options.set)
    if (auto set = host::set_field(host, change); !set) return set.error();
  return host;
}

Result<void> take_limits_from(RunOptions& options, host::HostSpec& host) {
  if (options.limits_from.empty()) return {};
  auto read = read_limits(options.limits_from);
  if (!read) return Error{"--limits-from " + read.error().message};
  // Its size and its kubelet may be other ones.
  auto settled = with_settings(host, options);
  if (!settled) return settled.error();
  options.limits_from.clear();
  LimitsOnHost limits = on_host(read.value(), settled.value());
  options.limits = std::move(limits.cgroup);
  options.own_tmpfs = std::move(limits.tmpfs);
  host.assumed.insert(host.assumed.end(), limits.assumed.begin(), limits.assumed.end());
  options.model.memory_request = limits.memory_request;
  options.model.priority = limits.priority;
  constexpr const char* kAdj = "--oom-score-adj=";
  const bool given = std::any_of(options.target_words.begin(), options.target_words.end(),
                                 [](const std::string& word) { return word.starts_with(kAdj); });
  if (!limits.oom_score_adj || given) return {};
  options.model.oom_score_adj = *limits.oom_score_adj;
  options.target_words.push_back(kAdj + std::to_string(*limits.oom_score_adj));
  return {};
}

Result<host::HostSpec> with_changes(host::HostSpec host, const RunOptions& options) {
  auto settled = with_settings(std::move(host), options);
  if (!settled) return settled;
  host = std::move(settled).value();
  std::vector<std::string> limits = options.limits;
  limits.insert(limits.end(), options.cgroup.begin(), options.cgroup.end());
  for (const std::string& limit : limits)
    if (auto set = host::set_cgroup(host, limit); !set) return set.error();
  if (options.own_tmpfs) host.tmpfs.clear();
  std::vector<std::string> mounts = options.own_tmpfs.value_or(std::vector<std::string>{});
  mounts.insert(mounts.end(), options.tmpfs.begin(), options.tmpfs.end());
  for (const std::string& mount : mounts)
    if (auto set = host::set_tmpfs(host, mount); !set) return set.error();
  if (auto valid = host::validate(host); !valid) return valid.error();
  if (auto placed = check_placement(options, host); !placed) return placed.error();
  return host;
}

Result<void> check_placement(const RunOptions& options, const host::HostSpec& host) {
  if (options.model.cpu_node >= 0 && !has_cpus(host, options.model.cpu_node))
    return Error{"--cpu-node " + std::to_string(options.model.cpu_node) +
                 ": the host has no such node with CPUs; try 'oomcast host show " + options.host + "'"};
  if (auto bad = bad_policy(options, host)) return *bad;
  return {};
}

sim::Options model_options(const RunOptions& options, const host::HostSpec& host) {
  sim::Options model = options.model;
  for (const PolicyOption& policy : policy_options(options)) {
    if (policy.nodes.empty()) continue;
    model.policy_mode = policy.mode;
    model.policy_nodes = host::parse_node_list(policy.nodes, host).value();
  }
  return model;
}

}  // namespace oomcast::report
