// PeakMeter: decides how many pages of a peak are reported without an address, and how many of these were counted as
// touched before.
#include "preload/record/capture/peak_meter.h"

#include <algorithm>

namespace oomcast::record {
namespace {

constexpr uint64_t kLeastNewsPart = 256;  // of the peak so far

uint64_t less(uint64_t from, uint64_t taken) { return from - std::min(from, taken); }

}  // namespace

uint64_t PeakMeter::note_found(uint64_t pages, uint64_t pages_now) {
  known_.found_pages_total += pages;
  credit_pages_ = std::min(credit_pages_, less(pages_now, known_.resident_pages));
  const uint64_t before = std::min(credit_pages_, pages);
  credit_pages_ -= before;
  return before;
}

bool PeakMeter::is_news(uint64_t pages) const {
  return pages > known_.resident_pages && pages > peak_pages_ + peak_pages_ / kLeastNewsPart;
}

PeakMeter::Unattributed PeakMeter::report(const Sample& sample) {
  if (!is_news(sample.pages)) return {};
  const uint64_t unknown_then = less(sample.pages, sample.known.resident_pages);
  const uint64_t found_since = known_.found_pages_total - sample.known.found_pages_total;
  return raise_peak(sample.pages, less(unknown_then, found_since + std::min(credit_pages_, unknown_then)));
}

PeakMeter::Unattributed PeakMeter::report_remembered(uint64_t pages) {
  if (!is_news(pages)) return {};
  return raise_peak(pages, pages - peak_pages_);
}

PeakMeter::Unattributed PeakMeter::raise_peak(uint64_t pages, uint64_t touched_first) {
  peak_pages_ = pages;
  const uint64_t missing = pages - known_.resident_pages;
  const Unattributed reported{std::min(touched_first, missing), less(missing, touched_first)};
  credit_pages_ += reported.touched_first;
  return reported;
}

}  // namespace oomcast::record
