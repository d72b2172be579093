// Lists the code that asked for the memory that the program touched. The rows add up to all of it.
#pragma once

#include <string>
#include <vector>

#include "model/sim/outcome.h"
#include "model/trace/capture_summary.h"

namespace oomcast::report {

struct SiteRow {
  std::string kind;       // heap, mmap, stack, shared, file, text, unsampled
  uint32_t stack_id = 0;  // 0: no stack; the row is the rest of its kind
  Bytes touched, resident_peak;
  std::vector<Bytes> resident_at;  // at each of Outcome::moments
  int64_t share_ppm = 0;           // of all touched bytes, in millionths; all rows together make a million
};

/// Descending by touched bytes, at most kSiteRowsMax with a stack; what is left of a kind is a row without one. Memory
/// of a kind that no sample stands for is given to its samples in proportion, where they stand for a tenth of it at
/// least: every so many allocated bytes are sampled, so each sample stands for as many others.
std::vector<SiteRow> site_rows(const sim::Outcome& outcome, const trace::CaptureSummary& capture);
inline constexpr size_t kSiteRowsMax = 250;

}  // namespace oomcast::report
