// Writes the parts of the summary that show a course: free memory over time, whose memory, what may be tried.
#pragma once

#include "model/sim/outcome.h"
#include "model/trace/capture_summary.h"
#include "report/findings.h"
#include "report/terminal/summary_paper.h"

namespace oomcast::report {

/// Free memory of each node against its marks.
void write_free_memory(const sim::Outcome& outcome, SummaryPaper& paper);
/// The stacks that hold most.
void write_sites(const sim::Outcome& outcome, const trace::CaptureSummary& capture, SummaryPaper& paper);
/// What may be tried: what is proven comes first, then what was not simulated; what did not help is only counted.
void write_tries(const Findings& findings, SummaryPaper& paper);

}  // namespace oomcast::report
