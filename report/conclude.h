// Ends a forecast: proves what its findings suggest, writes the report and the page, and prints the summary.
#pragma once

#include "report/page/page_command.h"
#include "report/proof/prove.h"
#include "report/report_file.h"

namespace oomcast::report {

/// The places that the results go to: the report, and the page if --html asks for one.
struct Places {
  ReportFile report;
  PageFile page;
  static Result<Places> prepare(const RunOptions& options);
};

/// Returns 0 if all was written and the forecast is not as bad as --fail-on, else the command's exit status. `own_s`:
/// the seconds that the run took; the proofs may take as many. Without a recording nothing is proven.
int conclude(const RunOptions& options, const Places& places, const sim::Outcome& outcome,
             const trace::CaptureSummary& capture, const Result<Recorded>& recorded, double own_s);

}  // namespace oomcast::report
