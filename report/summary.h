// Writes what a tired on-call engineer reads. A dozen lines: verdict, when, where, whom, and how far to believe it.
#pragma once

#include <string>

#include "report/findings.h"

namespace oomcast::report {

/// `report_path`: where the JSON lies, for the last line. `color`: ANSI, for a terminal only.
std::string summary_text(const sim::Outcome& outcome, const trace::CaptureSummary& capture, const Findings& findings,
                         const std::string& report_path, bool color);

}  // namespace oomcast::report
