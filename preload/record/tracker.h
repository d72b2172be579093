// Chooses the tracker that a run uses: the best that this kernel allows, or the one that was asked for.
#pragma once

#include <string>

#include "model/base/result.h"
#include "preload/record/guest/tracker_kind.h"
#include "preload/record/recorder.h"

namespace oomcast::record {

/// The best one that the kernel allows, or the one that was asked for by name. An error says what is missing.
Result<TrackerKind> choose_tracker(const std::string& asked, const Capabilities& allowed);

}  // namespace oomcast::record
