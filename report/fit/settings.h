// Prints a size as a setting: for Kubernetes, systemd, Docker, Compose, or an environment variable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace oomcast::report {

/// The result of the search, with its margin, in bytes.
struct Sizing {
  std::string key;                        // "memory.max", "memory.high", "memory", "swap", ...
  int64_t bytes = 0;                      // the size to set
  int64_t footprint_bytes = 0;            // the program's own peak; the pod's request is at most this
  std::optional<int64_t> swap_max_bytes;  // memory.swap.max of the target's cgroup, if limited
  bool any_swap = false;                  // it is not, and the target has swap
};

/// The forms that setting_text() knows: "k8s", "systemd", "docker", "compose", "env".
const std::vector<std::string>& setting_forms();

/// Returns text to paste. Sizes are rounded up to whole MiB, which each form can express. REQUIRES: `form` is one of
/// setting_forms().
std::string setting_text(const Sizing& sizing, const std::string& form);

/// Returns why `form` cannot express `key` ("docker has no word for memory.high"); empty if it can.
std::string setting_problem(const std::string& key, const std::string& form);

}  // namespace oomcast::report
