// Makes the answers for a program that asks for the size of its machine: the target's. For --present-host.
#pragma once

#include <string>
#include <vector>

#include "model/base/result.h"
#include "model/spec/host_spec.h"

namespace oomcast::report {

struct PresentedFile {
  std::string name;  // name that preload/inject/present_host.cc looks for
  std::string text;
};

/// Returns stand-ins for /proc/meminfo, the list of CPUs in /sys, and the limits of the program's cgroup.
std::vector<PresentedFile> presented_files(const host::HostSpec& host);

/// Returns the guest's OOMCAST_PRESENT=... `cpu_node`: the node whose CPUs the program may use, or -1.
std::string presented_environment(const host::HostSpec& host, int cpu_node, const std::string& directory);

/// Returns OOMCAST_PRESENT=... for a program that is shown only its cgroup's limits, as --cgroup implies.
std::string presented_cgroup_environment(const std::string& directory);
/// Returns the limits of the program's cgroup in one line, as in CaptureSummary::presented_cgroup; empty without a
/// cgroup.
std::string cgroup_limits_text(const host::HostSpec& host);

/// Writes presented_files() into `directory`. Error: a file that cannot be written.
Result<void> write_presented_files(const host::HostSpec& host, const std::string& directory);

}  // namespace oomcast::report
