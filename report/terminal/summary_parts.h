// Parts of the summary: free memory over time, the stacks with most memory, and what the user may try.
#pragma once

#include "model/sim/outcome.h"
#include "model/trace/capture_summary.h"
#include "report/findings.h"
#include "report/terminal/summary_paper.h"

namespace oomcast::report {

/// Free memory of each node against its marks, over time.
void write_free_memory(const sim::Outcome& outcome, SummaryPaper& paper);
/// The stacks that hold most memory.
void write_sites(const sim::Outcome& outcome, const trace::CaptureSummary& capture, SummaryPaper& paper);
/// What the user may try: proven suggestions, then those not simulated, then those that do not help. Most are only
/// counted.
void write_tries(const Findings& findings, SummaryPaper& paper);

}  // namespace oomcast::report
