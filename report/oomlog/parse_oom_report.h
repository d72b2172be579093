// Reads OOM reports out of a kernel log, whatever prefixes its lines carry and whatever is missing.
#pragma once

#include <optional>
#include <string_view>

#include "model/base/result.h"
#include "report/oomlog/oom_report.h"

namespace oomcast::oomlog {

/// Does the text hold an OOM report? Looks for the kernel's words only; cheap on a large file.
bool is_oom_log(std::string_view log);

/// The nth kill of the log, from 1; the last one if `nth` is absent. An error says what is there instead. A partial
/// report is no error: what is not in it is absent.
Result<OomReport> parse_oom_report(std::string_view log, const std::string& name, std::optional<int> nth);

}  // namespace oomcast::oomlog
