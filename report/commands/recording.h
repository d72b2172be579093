// Traces on disk with the target that its recording was for: what replay, sweep and fit begin with.
#pragma once

#include <memory>
#include <string>

#include "model/base/result.h"
#include "report/command_line.h"
#include "report/replay.h"

namespace oomcast::report {

/// A trace with what its recording said of the target: the defaults of what is asked now. Or several, as services of
/// one host; what each recording said is the default of its service.
struct Recording {
  std::shared_ptr<const std::string> bytes;  // of one trace; services hold theirs
  Workload workload;
  RunOptions options;
  ReplaySettings settings;
  host::HostSpec host;
};

Result<Recording> open_recording(const ReplayOptions& replay, const RunOptions& given);

}  // namespace oomcast::report
