// Writes what a tired on-call engineer reads. At most 25 lines: verdict, when, where, whom, and how far to believe it.
#pragma once

#include <string>

#include "report/findings.h"
#include "report/terminal/summary_paper.h"

namespace oomcast::report {

/// `report_path`: where the JSON lies, for the last line. `look`: what the terminal takes.
std::string summary_text(const sim::Outcome& outcome, const trace::CaptureSummary& capture, const Findings& findings,
                         const std::string& report_path, Look look);

}  // namespace oomcast::report
