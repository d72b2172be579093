// Chooses the tracker of a run: the one asked for by name, or the best that this kernel allows.
#pragma once

#include <string>

#include "model/base/result.h"
#include "preload/record/guest/tracker_kind.h"
#include "preload/record/recorder.h"

namespace oomcast::record {

/// `asked`: a tracker's name; empty or "auto": the best that is allowed. Error: what is missing, or no such name.
Result<TrackerKind> choose_tracker(const std::string& asked, const Capabilities& allowed);

}  // namespace oomcast::record
