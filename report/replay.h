// Forecasts what another host would have made of a recorded run: feeds the trace to the model as the recorder did.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/base/result.h"
#include "model/sim/simulation.h"
#include "model/trace/capture_summary.h"
#include "model/trace/trace_fields.h"
#include "report/recorded_uses.h"
#include "report/services/recorded_service.h"

namespace oomcast::report {

struct Replayed {
  sim::Outcome outcome;
  trace::CaptureSummary capture;
  // What the recording cannot know; capture.extrapolated says it in a clause.
  bool unrecorded_uses = false;  // the target's reclaim asked for uses of pages that the recording does not hold
  bool other_limits = false;     // the program read its cgroup's limits, and the recording showed it other ones
};

struct ReplaySettings {
  sim::Options model;
  std::optional<int> oom_score_adj;  // replaces the recorded one
  std::function<bool(double done)>
      stop;  // asked every few thousand events, with the part of the trace that is done; true ends it with an error
};

/// What is replayed: one recording, or several recordings as services of one host.
struct Workload {
  std::string_view trace = {};  // content of the file
  std::string name = {};        // stands at the start of errors
  std::vector<RecordedService> services = {};
};

/// Says in capture.extrapolated what the recording, made on `recorded_on`, cannot know of the target, and sets the
/// flags of `replayed`.
void note_what_is_not_recorded(const Watches& watches, const trace::TraceHeader& header,
                               const host::HostSpec& recorded_on, const host::HostSpec& target,
                               trace::CaptureSummary& capture, Replayed& replayed);

Result<trace::TraceHeader> read_trace_header(std::string_view trace, const std::string& name);

/// Returns the host that the recording's own forecast was for, with its --set and --cgroup. `name` stands at the start
/// of errors.
Result<host::HostSpec> recorded_host(const trace::TraceHeader& header, const std::string& name);

/// Replays a trace, `trace` being the content of its file. A trace that breaks off is replayed up to there, and
/// capture.cut says so. Errors: a damaged trace, a stop by `settings`.
Result<Replayed> replay(std::string_view trace, const std::string& name, host::HostSpec host,
                        const ReplaySettings& settings);

Result<Replayed> replay(const Workload& workload, host::HostSpec host, const ReplaySettings& settings);

}  // namespace oomcast::report
