// Holds one service of a host as it is replayed: its recording, and its place on the host.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/base/units.h"
#include "report/command_line.h"

namespace oomcast::report {

/// Copies share the recording's bytes.
struct RecordedService {
  std::string name, trace_name;
  std::shared_ptr<const std::string> trace;  // the file's content
  Nanoseconds start;
  std::vector<std::string> limits;                // of its own cgroup, as --cgroup takes them; empty: it has none
  std::optional<std::vector<std::string>> tmpfs;  // a container's own mounts, as --tmpfs takes them
  RunOptions recorded;                            // with the target_words of the recording
  std::optional<int> cpu_node, oom_score_adj;     // of this service, whatever others have
  Bytes memory_request;                           // what the kubelet ranks by
  int priority = 0;
};

}  // namespace oomcast::report
