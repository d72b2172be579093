// Reads a host description from a file of any known kind, which its content tells: a packed sosreport, a kernel log
// with an OOM report, a Kubernetes node, a packed snapshot, or JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/base/result.h"
#include "model/spec/host_spec.h"

namespace oomcast::report {

inline constexpr int64_t kHostFileBytesMost = int64_t{1} << 30;

/// Chooses among several hosts in a file: kill number `nth` of a log, from 1 (default: the last one); node number `nth`
/// of a list, or the node called `name` (default: the only one).
struct HostChoice {
  std::optional<int> nth;
  std::string name;
};

/// `path` names the text in errors. It also names the host, if the text does not.
Result<host::HostSpec> host_of_text(std::string_view text, const std::string& path, const HostChoice& choice);

/// The kernel log in `text`: the text itself, the content of a compressed log (kern.log.2.gz), or a log with an OOM
/// report in a sosreport. Errors: it cannot be unpacked, or no log in the archive has an OOM report.
Result<std::string> kernel_log_in(std::string text, const std::string& path);

}  // namespace oomcast::report
