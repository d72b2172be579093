// Judges whether a few pages decide the verdict. See margin.h.
#include "report/margin.h"

#include <algorithm>

#include "report/coverage.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

using sim::Verdict;

// The largest batch of a per-CPU list (zone_batchsize()), and MEMCG_CHARGE_BATCH.
constexpr int64_t kPagesPerCpu = 64;
constexpr Nanoseconds kMomentOfStall{100'000};  // how much earlier or later kswapd runs decides about such stalls

Bytes resolution_of(const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  // Windows that the recorder had filled in advance at the peak: the program may use all of them, or none.
  const auto filled = static_cast<int64_t>(capture.prefilled_bytes >> kPageShift);
  const Pages window(std::max(filled, static_cast<int64_t>(std::max<uint64_t>(1, capture.resolution_pages))));
  const Pages chance(kPagesPerCpu * static_cast<int64_t>(std::max<size_t>(1, outcome.host.cpus.size())));
  return to_bytes(window + chance) + Bytes(static_cast<int64_t>(unseen_bytes(capture)));
}

std::string words(Verdict verdict) {
  switch (verdict) {
    case Verdict::kFits:
      return "no reclaim at all";
    case Verdict::kBackgroundReclaim:
      return "background reclaim";
    case Verdict::kDirectReclaim:
      return "direct reclaim";
    case Verdict::kAllocRefused:
      return "a refused allocation";
    case Verdict::kOomKill:
      return "an OOM kill";
  }
  return "";
}

bool is_near(const std::optional<sim::Margin>& margin, Bytes distance) {
  return margin && margin->distance <= distance;
}

/// A task reclaimed for less than 0.1 ms. Had kswapd run a little earlier, the task would not have reclaimed.
bool only_a_moment(const sim::Outcome& outcome) {
  return outcome.verdict == Verdict::kDirectReclaim && outcome.stall.throttled_total.count() == 0 &&
         outcome.stall.direct_reclaim_total < kMomentOfStall;
}

}  // namespace

Bytes spread_of(const sim::Outcome& outcome) {
  constexpr int64_t kSpreadPart = 50;
  return Bytes(outcome.app.whole_run_peak.count() / kSpreadPart);
}

Bytes uncertain_size(const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  return spread_of(outcome) + may_be_unseen(capture);
}

VerdictMargin judge_margin(const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  VerdictMargin margin{outcome.next_worse, outcome.next_better, resolution_of(outcome, capture), spread_of(outcome),
                       ""};
  const Bytes near = margin.resolution + margin.spread;
  const std::string known = "; the memory of a run is known to within " + bytes_text(margin.resolution) +
                            ", and runs of one program differ by 2 % of its peak, " + bytes_text(margin.spread);
  if (is_near(margin.next_worse, near))
    margin.why =
        bytes_text(margin.next_worse->distance) + " more, and it would be " + words(margin.next_worse->verdict) + known;
  else if (is_near(margin.next_better, near))
    margin.why = bytes_text(margin.next_better->distance) + " less, and it would be " +
                 words(margin.next_better->verdict) + known;
  else if (only_a_moment(outcome))
    margin.why = "tasks reclaimed for " + duration_text(outcome.stall.direct_reclaim_total) +
                 " in all: had kswapd run a little earlier, it would be " +
                 words(outcome.kswapd_scan ? Verdict::kBackgroundReclaim : Verdict::kFits);
  return margin;
}

}  // namespace oomcast::report
