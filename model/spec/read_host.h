// Reads a host description from where it is. A snapshot directory or file, a JSON file, a preset name, or this machine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/base/result.h"
#include "model/spec/host_spec.h"

namespace oomcast::host {

/// Reads the files of a snapshot directory (DESIGN section 4). Errors name the file and the line.
Result<HostSpec> read_snapshot(const std::string& directory);
std::string to_json(const HostSpec& spec);

struct Preset {
  const char* name;
  const char* summary;
};
const std::vector<Preset>& presets();
Result<HostSpec> preset(std::string_view name);

/// `path_or_name`: a directory, a packed snapshot, a JSON file or a preset name. "this" is resolved by the caller, who
/// snapshots the running machine into a directory first: the model never asks the OS.
Result<HostSpec> read_host(const std::string& path_or_name);

/// A packed snapshot or JSON, told apart by the first bytes. `path` names the text in errors and the host.
Result<HostSpec> parse_host_text(std::string_view text, const std::string& path);

/// Applies one `--set KEY=VALUE`, e.g. "vm.swappiness=0" or "nodes[0].managed=8G".
Result<void> set_field(HostSpec& spec, std::string_view key_value);
/// Applies one `--cgroup FILE=VALUE`, e.g. "memory.max=512M".
Result<void> set_cgroup(HostSpec& spec, std::string_view key_value);
/// Applies one `--tmpfs PATH=SIZE`, e.g. "/dev/shm=64M"; a path alone: half of the RAM.
Result<void> set_tmpfs(HostSpec& spec, std::string_view mount_size);

/// Contradictions that would make the model lie (free above managed, unknown zone, distances that do not fit, ...).
Result<void> validate(const HostSpec& spec);

}  // namespace oomcast::host
