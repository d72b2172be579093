// Reads which services share a host: from --service, from a YAML file, and from traces that are merely named.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/base/result.h"
#include "model/base/units.h"

namespace oomcast::report {

/// One service as the user describes it; `count` is 1 for each of the copies that expanded() gives.
struct ServiceSpec {
  std::string name;
  std::string trace;  // path
  int count = 1;
  Nanoseconds start;                // on the host's clock
  std::vector<std::string> limits;  // of its own cgroup, as --cgroup takes them: "memory.max=512M"
  std::optional<int> cpu_node, oom_score_adj;
  std::string limits_from;  // FILE or FILE:SERVICE whose limits come before `limits`; empty: none
  // What the kubelet ranks by; of a pod's manifest unless given.
  std::optional<Bytes> memory_request;
  std::optional<int> priority;
};

/// "name=web,trace=web.trace,count=3,memory.max=512M,start=10s,cpu-node=1,oom_score_adj=500". Without a name it is that
/// of the trace. Errors name the key and what it takes.
Result<ServiceSpec> parse_service(const std::string& words);

/// The same keys in YAML: `services:` with a map from names to them, or a list; `path` leads the errors. A trace is
/// looked for beside the file.
Result<std::vector<ServiceSpec>> parse_services(const std::string& yaml, const std::string& path);
Result<std::vector<ServiceSpec>> read_services(const std::string& path);

/// A trace that is named without more.
ServiceSpec service_of_trace(const std::string& path);

/// Copies apart, each with a name of its own: "web-1", "web-2". Errors: a name twice, more than there may be.
Result<std::vector<ServiceSpec>> expanded(const std::vector<ServiceSpec>& services);

}  // namespace oomcast::report
