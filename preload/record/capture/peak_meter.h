// Keeps account of how many private pages all processes had at once. Two sources know of them: scans and faults, which
// find single pages, and the kernel's counts, which are sampled more often and say only how many there were. A page
// that a fork shares counts once.
#pragma once

#include <algorithm>
#include <cstdint>

namespace oomcast::record {

class PeakMeter {
 public:
  /// What scans and faults know: the pages that are resident by their word, and all pages that scans have ever found.
  struct Known {
    uint64_t resident_pages = 0, found_pages_total = 0;
  };
  /// A sample of the kernel's counts, and what was known at its time.
  struct Sample {
    uint64_t pages = 0;
    Known known;
  };
  /// Pages at a peak that are reported without an address, because no scan has found them: those that are reported for
  /// the first time, and those that an earlier report has counted as touched.
  struct Unattributed {
    uint64_t touched_first = 0, touched_before = 0;
    uint64_t pages() const { return touched_first + touched_before; }
  };

  /// `own_pages` of one process were resident by the word of scans and faults, and are now `now`.
  void change_resident(uint64_t own_pages, uint64_t now) { known_.resident_pages += now - own_pages; }
  /// The resident pages of all processes are counted up to date: they may be a new peak.
  void note_resident() { peak_pages_ = std::max(peak_pages_, known_.resident_pages); }

  /// A scan has found `pages`. Returns how many of them an unattributed report has counted as touched already.
  /// `pages_now`: the kernel's latest count. What it has beyond the known pages is all that can still be found of such
  /// a report.
  uint64_t note_found(uint64_t pages, uint64_t pages_now);

  /// Whether the kernel's counts had so many pages at once that a report would raise the peak by more than the counts'
  /// own error.
  bool is_news(uint64_t pages) const;
  /// The peak of the sample is reported. What scans have found since the sample may have been part of it, and so may
  /// pages that an earlier report has counted and no scan has found yet: neither is touched for the first time.
  Unattributed report(const Sample& sample);
  /// A peak without a time (VmHWM) is reported: the most that was ever known at once is taken to have been part of it.
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
