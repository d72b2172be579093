// Reads the host of a forecast: this machine or another.
#pragma once

#include <optional>
#include <string>

#include "model/base/result.h"
#include "model/spec/host_spec.h"
#include "report/command_line.h"

namespace oomcast::report {

/// "this" is this machine. Otherwise a snapshot, a JSON file or a preset (host::read_host()), or a file that
/// host_of_text() knows, such as a kernel log with an OOM report. `nth`: see HostChoice.
Result<host::HostSpec> read_any_host(const std::string& name, std::optional<int> nth = std::nullopt);

/// Sets the file numbers of page_cache[] and background[] to those that events use: made of device and inode on this
/// machine.
void number_files(host::HostSpec& spec);

/// The host of the options, with --limits-from (which is read into the options), --cgroup and --set applied.
Result<host::HostSpec> target_host(RunOptions& options);

}  // namespace oomcast::report
