// Answers a program that asks how large its machine is as the target would. For --present-host.
#pragma once

#include <string>
#include <vector>

#include "model/base/result.h"
#include "model/spec/host_spec.h"

namespace oomcast::report {

struct PresentedFile {
  std::string name;  // as preload/inject/present_host.cc looks for it
  std::string text;
};

/// Stand-ins for /proc/meminfo, the CPU lists below /sys and the limits of the program's cgroup.
std::vector<PresentedFile> presented_files(const host::HostSpec& host);

/// OOMCAST_PRESENT for the guest. `cpu_node`: -1, or the node whose CPUs the program may use.
std::string presented_environment(const host::HostSpec& host, int cpu_node, const std::string& directory);

/// The same where only the limits of its cgroup are shown: what --cgroup implies.
std::string presented_cgroup_environment(const std::string& directory);
/// These limits in one line, as CaptureSummary::presented_cgroup keeps them; empty without a cgroup.
std::string cgroup_limits_text(const host::HostSpec& host);

/// Writes the files into `directory`.
Result<void> write_presented_files(const host::HostSpec& host, const std::string& directory);

}  // namespace oomcast::report
