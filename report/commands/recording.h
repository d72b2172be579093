// A trace on disk and the target that it was recorded for: the first step of replay, sweep and fit.
#pragma once

#include <memory>
#include <string>

#include "model/base/result.h"
#include "report/command_line.h"
#include "report/replay.h"

namespace oomcast::report {

/// A trace, with the target that it was recorded for as the default of the options now given. Or several traces as
/// services of one host: what each recording says is the default of its service.
struct Recording {
  std::shared_ptr<const std::string> bytes;  // of one trace; services own theirs
  Workload workload;
  RunOptions options;
  ReplaySettings settings;
  host::HostSpec host;
};

Result<Recording> open_recording(const ReplayOptions& replay, const RunOptions& given);

}  // namespace oomcast::report
