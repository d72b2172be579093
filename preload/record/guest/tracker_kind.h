// Lists the ways to learn of a touch and what each of them cannot see.
//
// What follows from a process's tracker: tracked_by_faults() (each first touch holds its thread until it has been
// counted), reports_frees() (the kernel reports what was unmapped, moved or given back). Touches that no fault reports
// are polled.
#pragma once

#include <string>

namespace oomcast::record {

enum class TrackerKind {
  kPagemap,      // polling only
  kWpAsync,      // polling, with frees reported by the kernel and later writes kept by it until the next poll
  kUserfaultfd,  // each first touch, in order
};

const char* tracker_name(TrackerKind kind);
/// One sentence for the report: what this tracker cannot see.
std::string tracker_limits(TrackerKind kind);

}  // namespace oomcast::record
