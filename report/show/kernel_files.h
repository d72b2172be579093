// Writes a moment of a report as files of /proc show it. What a report does not hold is left out, never invented.
#pragma once

#include <string>

#include "report/show/shown_moment.h"

namespace oomcast::report {

/// Each gives an empty text where the report does not hold enough of the moment.
std::string zoneinfo_text(const ShownMoment& moment);
/// Of any moment of the timeline; more lines where the report holds the state of the zones.
std::string meminfo_text(const FinishedReport& report, const ShownMoment& moment);
/// Events are counted from the start of the run, not from boot.
std::string vmstat_text(const ShownMoment& moment);
/// The two lines of /proc/pressure/memory.
std::string psi_text(const ShownMoment& moment);
/// Columns as in `sar -B`, `sar -W` and `sar -r`. `around`: rows before and after the moment; none: the whole timeline.
std::string sar_text(const FinishedReport& report, const ShownMoment& moment, std::optional<size_t> around);
/// The lines of the kernel's log, stamped as `dmesg` does; empty: it prints nothing then.
std::string dmesg_text(const nlohmann::json& kill);

}  // namespace oomcast::report
