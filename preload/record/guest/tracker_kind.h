// Lists the trackers, the ways to learn of a touch, and what each of them cannot see.
//
// Two functions of Process tell what its tracker does: tracked_by_faults() (each first touch is held), reports_frees()
// (the kernel reports unmapped, moved and freed memory). Touches that no fault reports are polled.
#pragma once

#include <string>

namespace oomcast::record {

enum class TrackerKind {
  kPagemap,      // polling only
  kWpAsync,      // polling, with frees reported by the kernel and later writes kept by it until the next poll
  kUserfaultfd,  // each first touch, in order
};

const char* tracker_name(TrackerKind kind);
/// The caveat about what this tracker cannot see; empty for kUserfaultfd.
std::string tracker_limits(TrackerKind kind);

}  // namespace oomcast::record
