// Reads the memory limits of a systemd unit: its file, and the drop-ins beside it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace oomcast::report {

/// A percentage of the host's memory or, for memory.swap.max, of its swap.
struct ShareOfHost {
  std::string file;  // "memory.max"
  int64_t permyriad = 0;
};

struct UnitLimits {
  std::vector<std::string> cgroup;  // as --cgroup takes them
  std::vector<ShareOfHost> shares;
  std::optional<int> oom_score_adj;
  std::vector<std::string> assumed;
  bool any() const { return !cgroup.empty() || !shares.empty() || oom_score_adj; }
};

/// True of the file name of a unit or a drop-in, and of a text that begins with a section, as `systemctl cat` prints.
bool is_unit(std::string_view text, const std::string& path);
/// Takes PATH.d/*.conf after the text, in the order of their names. Throws BadManifest for what systemd would ignore.
UnitLimits limits_in_unit(const std::string& text, const std::string& path);

}  // namespace oomcast::report
