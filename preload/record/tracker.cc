// Chooses the tracker of a run.
#include "preload/record/tracker.h"

namespace oomcast::record {

Result<TrackerKind> choose_tracker(const std::string& asked, const Capabilities& allowed) {
  const bool faults =
      allowed.userfaultfd && allowed.event_remap && allowed.event_remove && allowed.event_unmap && allowed.thread_id;
  const bool async =
      allowed.wp_async && allowed.pagemap_scan && allowed.event_remap && allowed.event_remove && allowed.event_unmap;
  if (asked.empty() || asked == "auto")
    return faults ? TrackerKind::kUserfaultfd : async ? TrackerKind::kWpAsync : TrackerKind::kPagemap;
  if (asked == "pagemap") return TrackerKind::kPagemap;
  if (asked == "wp-async") {
    if (async) return TrackerKind::kWpAsync;
    return Error{
        "--tracker wp-async: this kernel does not allow it (it needs 6.7 or newer with CONFIG_USERFAULTFD=y); try "
        "--tracker pagemap"};
  }
  if (asked == "userfaultfd") {
    if (faults) return TrackerKind::kUserfaultfd;
    return Error{
        "--tracker userfaultfd: not allowed here; `oomcast doctor` prints the command that allows it, or try --tracker "
        "wp-async"};
  }
  return Error{"--tracker " + asked + ": no such tracker; there are userfaultfd, wp-async, pagemap and auto"};
}

}  // namespace oomcast::record
