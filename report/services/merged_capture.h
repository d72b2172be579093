// Puts together how well several programs were seen: one CaptureSummary for the host, with that of each beside it.
#pragma once

#include <string>
#include <vector>

#include "model/trace/capture_summary.h"
#include "model/trace/stream_numbers.h"

namespace oomcast::report {

/// `captures` are by stream, `names` those of the services. Sentences begin with the service's name; a stack's
/// outermost frame is its service.
trace::CaptureSummary merged_capture(const std::vector<trace::CaptureSummary>& captures,
                                     const std::vector<trace::ServiceCapture>& services,
                                     const trace::StackNumbers& stacks);

}  // namespace oomcast::report
