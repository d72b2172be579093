// Reads which services share a host: from --service, from a YAML file, or from a list of traces.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/base/result.h"
#include "model/base/units.h"

namespace oomcast::report {

/// A service as the user describes it. After expanded() `count` is 1.
struct ServiceSpec {
  std::string name;
  std::string trace;  // path
  int count = 1;
  Nanoseconds start;                // on the host's clock
  std::vector<std::string> limits;  // of its own cgroup, in the form of --cgroup: "memory.max=512M"
  std::optional<int> cpu_node, oom_score_adj;
  std::string limits_from;  // FILE or FILE:SERVICE: its limits are applied before `limits`; empty: none
  // The kubelet ranks pods by these. From the pod's manifest, unless given.
  std::optional<Bytes> memory_request;
  std::optional<int> priority;
};

/// Parses "name=web,trace=web.trace,count=3,memory.max=512M,start=10s,cpu-node=1,oom_score_adj=500". The default name
/// is that of the trace. Errors name the key and what it takes.
Result<ServiceSpec> parse_service(const std::string& words);

/// The same keys in YAML: `services:` with a map from names to keys, or a list. `path` begins each error. Relative
/// paths of traces are below the file's folder.
Result<std::vector<ServiceSpec>> parse_services(const std::string& yaml, const std::string& path);
Result<std::vector<ServiceSpec>> read_services(const std::string& path);

/// A service with all defaults.
ServiceSpec service_of_trace(const std::string& path);

/// Turns `count` into copies with names of their own: "web-1", "web-2". Errors: a name occurs twice, or too many
/// services.
Result<std::vector<ServiceSpec>> expanded(const std::vector<ServiceSpec>& services);

}  // namespace oomcast::report
