// Lists the ways to learn of a touch and what each of them cannot see, and chooses the one that is used here.
#include "preload/record/tracker.h"

namespace oomcast::record {

const char* tracker_name(TrackerKind kind) {
  switch (kind) {
    case TrackerKind::kUserfaultfd: return "userfaultfd";
    case TrackerKind::kWpAsync: return "wp-async";
    case TrackerKind::kPagemap: break;
  }
  return "pagemap";
}

std::string tracker_limits(TrackerKind kind) {
  switch (kind) {
    case TrackerKind::kUserfaultfd: return "";
    case TrackerKind::kWpAsync:
      return "Touches were polled (tracker wp-async): they have the time of the poll and the order of addresses, and memory that was touched and freed "
             "between two polls is missed unless the program's own munmap or madvise freed it; later writes to watched pages are seen at the poll; memory that was only read counts where this kernel gives it pages.";
    case TrackerKind::kPagemap: break;
  }
  return "Touches and frees were polled (tracker pagemap): they have the time of the poll and the order of addresses, memory that was touched and freed "
         "between two polls is missed unless the program's own munmap or madvise freed it, later uses of a page are not seen at all, and memory that was only read counts where this kernel gives it pages.";
}

Result<TrackerKind> choose_tracker(const std::string& asked, const Capabilities& allowed) {
  const bool faults = allowed.userfaultfd && allowed.event_remap && allowed.event_remove && allowed.event_unmap && allowed.thread_id;
  const bool async = allowed.wp_async && allowed.pagemap_scan && allowed.event_remap && allowed.event_remove && allowed.event_unmap;
  if (asked.empty() || asked == "auto") return faults ? TrackerKind::kUserfaultfd : async ? TrackerKind::kWpAsync : TrackerKind::kPagemap;
  if (asked == "pagemap") return TrackerKind::kPagemap;
  if (asked == "wp-async") {
    if (async) return TrackerKind::kWpAsync;
    return Error{"--tracker wp-async: this kernel does not allow it (it needs 6.7 or newer with CONFIG_USERFAULTFD=y); try --tracker pagemap"};
  }
  if (asked == "userfaultfd") {
    if (faults) return TrackerKind::kUserfaultfd;
    return Error{"--tracker userfaultfd: not allowed here; `oomcast doctor` prints the command that allows it, or try --tracker wp-async"};
  }
  return Error{"--tracker " + asked + ": no such tracker; there are userfaultfd, wp-async, pagemap and auto"};
}

}  // namespace oomcast::record
