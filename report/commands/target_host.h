// Finds the host that a forecast is for, this machine among them.
#pragma once

#include <optional>
#include <string>

#include "model/base/result.h"
#include "model/spec/host_spec.h"
#include "report/command_line.h"

namespace oomcast::report {

/// "this" is this machine; else a snapshot, a JSON file or a preset, as host::read_host() finds it, or a kernel
/// log with an OOM report: its `nth` kill, the last one if absent.
Result<host::HostSpec> read_any_host(const std::string& name, std::optional<int> nth = std::nullopt);

/// Events call a file by its device and inode here: what the host names by its path has to have the same number.
void number_files(host::HostSpec& spec);

/// The host of the options with its --limits-from, which is read into them, --cgroup and --set.
Result<host::HostSpec> target_host(RunOptions& options);

}  // namespace oomcast::report
