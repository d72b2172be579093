// Ends a forecast: proves what its findings suggest, writes the report and the page, and prints the summary.
#pragma once

#include "report/page/page_command.h"
#include "report/proof/prove.h"
#include "report/report_file.h"

namespace oomcast::report {

/// Where the results go: the report, and the page if one is asked for.
struct Places {
  ReportFile report;
  PageFile page;
  static Result<Places> prepare(const RunOptions& options);
};

/// 0 if that went well and the forecast is not as bad as --fail-on, else the command's exit status. `own_s` is how long
/// the run took, which the proofs may take as well. Without a recording nothing is proven.
int conclude(const RunOptions& options, const Places& places, const sim::Outcome& outcome,
             const trace::CaptureSummary& capture, const Result<Recorded>& recorded, double own_s);

}  // namespace oomcast::report
