// Changes a target that a recording is forecast on: one word per change, as --vary and suggestions name them.
#pragma once

#include <string>
#include <vector>

#include "model/base/result.h"
#include "report/command_line.h"
#include "report/replay.h"

namespace oomcast::report {

struct ChangedTarget {
  host::HostSpec host;
  ReplaySettings settings;
};

/// Words are "vm.swappiness=0" (a key of --set) or "--interleave=0,1", "oom-score-adj=500" (an option that mirrors the
/// target). A policy takes the place of the one that `options` have. REQUIRES: `host` has the --set, --cgroup, --tmpfs
/// and --limits-from of `options` already. Errors: a host that cannot be, a word that is none.
Result<ChangedTarget> changed_target(host::HostSpec host, RunOptions options, const std::vector<std::string>& words);

}  // namespace oomcast::report
