// Prints a size as the setting that is handed over: Kubernetes, systemd, Docker, Compose, environment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace oomcast::report {

/// What the search has found, with its margin, in bytes.
struct Sizing {
  std::string key;                        // "memory.max", "memory.high", "memory", "swap", ...
  int64_t bytes = 0;                      // to hand over
  int64_t footprint_bytes = 0;            // the program's own peak: what a scheduler should reserve
  std::optional<int64_t> swap_max_bytes;  // memory.swap.max of the target's cgroup, if it is limited
};

/// The forms that setting_text() knows: "k8s", "systemd", "docker", "compose", "env".
const std::vector<std::string>& setting_forms();

/// Text to paste. Sizes are rounded up to whole MiB, which each of these forms can say. REQUIRES: a form of
/// setting_forms().
std::string setting_text(const Sizing& sizing, const std::string& form);

/// Why `form` cannot say `key` ("docker has no word for memory.high"); empty when it can.
std::string setting_problem(const std::string& key, const std::string& form);

}  // namespace oomcast::report
