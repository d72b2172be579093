// PeakMeter: the most private pages that all processes had at once. Two sources count them: scans and faults find
// single pages; the kernel's counts are sampled more often and give only their number. A page that a fork shares counts
// once.
#pragma once

#include <algorithm>
#include <cstdint>

namespace oomcast::record {

class PeakMeter {
 public:
  /// By scans and faults: the pages that are resident now, and the total of pages that scans have ever found.
  struct Known {
    uint64_t resident_pages = 0, found_pages_total = 0;
  };
  /// A sample of the kernel's counts, and what was known at its time.
  struct Sample {
    uint64_t pages = 0;
    Known known;
  };
  /// Pages at a peak that are reported without an address, because no scan has found them. `touched_before`: pages that
  /// an earlier report has counted as touched already.
  struct Unattributed {
    uint64_t touched_first = 0, touched_before = 0;
    uint64_t pages() const { return touched_first + touched_before; }
  };

  /// By scans and faults one process has `now` resident pages of its own; before it had `own_pages`.
  void change_resident(uint64_t own_pages, uint64_t now) { known_.resident_pages += now - own_pages; }
  /// The resident pages of all processes are up to date: a new peak is kept.
  void note_resident() { peak_pages_ = std::max(peak_pages_, known_.resident_pages); }

  /// A scan has found `pages`. Returns how many of them an unattributed report has counted as touched already.
  /// `pages_now`: the kernel's latest count. No more pages of unattributed reports can still be found than it exceeds
  /// the known pages by.
  uint64_t note_found(uint64_t pages, uint64_t pages_now);

  /// Whether a report of so many pages would raise the peak by more than the error of the kernel's counts.
  bool is_news(uint64_t pages) const;
  /// Raises the peak to the sample's, if that is news. Pages that scans have found since the sample may be part of it.
  /// So may pages that an earlier report has counted and no scan has found yet. Neither count as touched for the first
  /// time.
  Unattributed report(const Sample& sample);
  /// Raises the peak to one without a time (VmHWM). All pages of the peak so far are taken to be part of it.
  Unattributed report_remembered(uint64_t pages);

  const Known& known() const { return known_; }
  uint64_t resident_pages() const { return known_.resident_pages; }
  /// The most pages at once that were reported.
  uint64_t peak_pages() const { return peak_pages_; }

 private:
  Unattributed raise_peak(uint64_t pages, uint64_t touched_first);

  Known known_;
  uint64_t peak_pages_ = 0;
  uint64_t credit_pages_ = 0;  // counted as touched by unattributed reports, and perhaps to be found yet
};

}  // namespace oomcast::record
