// Tells by its content what a file says of a host, and reads it: a sosreport as it comes, an OOM report of a kernel
// log, a Kubernetes node, a snapshot packed into one text, JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/base/result.h"
#include "model/spec/host_spec.h"

namespace oomcast::report {

inline constexpr int64_t kHostFileBytesMost = int64_t{1} << 30;

/// Which host of a file that holds several: the nth kill of a log, from 1 (absent: the last one), or the nth node of a
/// list or the one of that name (absent: there is but one).
struct HostChoice {
  std::optional<int> nth;
  std::string name;
};

/// `path` names the text in errors and, where it does not name itself, the host.
Result<host::HostSpec> host_of_text(std::string_view text, const std::string& path, const HostChoice& choice);

/// A kernel log as it is, what a compressed one holds (kern.log.2.gz), or the one with an OOM report in a sosreport.
/// Errors: it cannot be unpacked, no log in the archive has one.
Result<std::string> kernel_log_in(std::string text, const std::string& path);

}  // namespace oomcast::report
