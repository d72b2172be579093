// Reads OOM reports from a kernel log, with any prefixes on its lines and with missing lines.
#pragma once

#include <optional>
#include <string_view>

#include "model/base/result.h"
#include "report/oomlog/oom_report.h"

namespace oomcast::oomlog {

/// Whether the text has an OOM report. Searches for the kernel's words only: cheap on a large file.
bool is_oom_log(std::string_view log);

/// Kill number `nth` of the log, from 1; the last one without `nth`. An error says what the log has instead. A partial
/// report is no error: missing values are absent.
Result<OomReport> parse_oom_report(std::string_view log, const std::string& name, std::optional<int> nth);

}  // namespace oomcast::oomlog
