// Names the trackers, and words the caveat about what each of them cannot see.
#include "preload/record/guest/tracker_kind.h"

namespace oomcast::record {

const char* tracker_name(TrackerKind kind) {
  switch (kind) {
    case TrackerKind::kUserfaultfd:
      return "userfaultfd";
    case TrackerKind::kWpAsync:
      return "wp-async";
    case TrackerKind::kPagemap:
      break;
  }
  return "pagemap";
}

std::string tracker_limits(TrackerKind kind) {
  switch (kind) {
    case TrackerKind::kUserfaultfd:
      return "";
    case TrackerKind::kWpAsync:
      return "Touches were polled (tracker wp-async): they have the time of the poll and the order of addresses, and "
             "memory that was touched and freed "
             "between two polls is missed unless the program's own munmap or madvise freed it; later writes to watched "
             "pages are seen at the poll; memory that was only read counts where this kernel gives it pages.";
    case TrackerKind::kPagemap:
      break;
  }
  return "Touches and frees were polled (tracker pagemap): they have the time of the poll and the order of addresses, "
         "memory that was touched and freed "
         "between two polls is missed unless the program's own munmap or madvise freed it, later uses of a page are "
         "not seen at all, and memory that was only read counts where this kernel gives it pages.";
}

}  // namespace oomcast::record
