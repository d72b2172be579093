// Lists the code that asked for the memory that the program touched. The rows add up to all touched memory.
#pragma once

#include <string>
#include <vector>

#include "model/sim/outcome.h"
#include "model/trace/capture_summary.h"

namespace oomcast::report {

struct SiteRow {
  std::string kind;       // heap, mmap, stack, shared, file, text, unsampled
  uint32_t stack_id = 0;  // 0: no stack; the row is what is left of its kind
  Bytes touched, resident_peak;
  std::vector<Bytes> resident_at;  // at each of Outcome::moments, in order
  int64_t share_ppm = 0;           // share of all touched bytes in millionths; the rows add up to a million
};

/// Returns the rows, largest touched bytes first: at most kSiteRowsMax with a stack, and per kind one row without a
/// stack for what is left. One allocation in so many bytes is sampled, so that each sample stands for as many bytes as
/// the others: a kind's memory without a sample is given to the kind's samples in proportion, if these are at least a
/// tenth of the kind.
std::vector<SiteRow> site_rows(const sim::Outcome& outcome, const trace::CaptureSummary& capture);
inline constexpr size_t kSiteRowsMax = 250;

}  // namespace oomcast::report
