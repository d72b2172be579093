// Merges the capture summaries of several programs into one for the host.
#pragma once

#include <string>
#include <vector>

#include "model/trace/capture_summary.h"
#include "model/trace/stream_numbers.h"

namespace oomcast::report {

/// `captures` are by stream; `services` has their names in the same order. Sentences begin with the service's name. The
/// outermost frame of a stack is its service.
trace::CaptureSummary merged_capture(const std::vector<trace::CaptureSummary>& captures,
                                     const std::vector<trace::ServiceCapture>& services,
                                     const trace::StackNumbers& stacks);

}  // namespace oomcast::report
