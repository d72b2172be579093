// Writes a moment of a report as files of /proc show it. A field that the report does not have is left out.
#pragma once

#include <string>

#include "report/show/shown_moment.h"

namespace oomcast::report {

/// /proc/zoneinfo. All functions return "" if the report does not have enough about the moment.
std::string zoneinfo_text(const ShownMoment& moment);
/// /proc/meminfo, for any moment of the timeline. Has more lines if the report has the state of the zones.
std::string meminfo_text(const FinishedReport& report, const ShownMoment& moment);
/// /proc/vmstat. Events are counted from the start of the run, not from boot.
std::string vmstat_text(const ShownMoment& moment);
/// /proc/pressure/memory, two lines.
std::string psi_text(const ShownMoment& moment);
/// Columns of `sar -B`, `sar -W` and `sar -r`. `around`: rows before and after the moment; nothing: the whole timeline.
std::string sar_text(const FinishedReport& report, const ShownMoment& moment, std::optional<size_t> around);
/// The kernel's log of an OOM kill, with time stamps as `dmesg` prints them; "" if the kernel prints nothing.
std::string dmesg_text(const nlohmann::json& kill);

}  // namespace oomcast::report
