// Lists the ways to learn of a touch and what each of them cannot see, and chooses the one that is used here.
//
// The interface of a tracker is Process::tracker and what follows from it: tracked_by_faults() (each first touch holds
// its thread until it has been counted), tells_frees() (the kernel says what was unmapped, moved or given back). Touches
// that no fault tells are polled by Session::poll_touches(), later writes by poll_watches().
#pragma once

#include <string>

#include "model/base/result.h"
#include "preload/record/recorder.h"

namespace oomcast::record {

enum class TrackerKind {
  kPagemap,      // polling only
  kWpAsync,      // polling, with frees told by the kernel and later writes kept by it until the next poll
  kUserfaultfd,  // each first touch, in order
};

const char* tracker_name(TrackerKind kind);
/// One sentence for the report: what this tracker cannot see.
std::string tracker_limits(TrackerKind kind);
/// The best one that the kernel allows, or the one that was asked for by name. An error says what is missing.
Result<TrackerKind> choose_tracker(const std::string& asked, const Capabilities& allowed);

}  // namespace oomcast::record
