// Steps towards the limit that is what the program needs when it is shown that limit.
#include "report/fit/self_sizing.h"

#include <algorithm>

namespace oomcast::report {
namespace {

// A step goes at most so many times as far as the program's need lies below its limit.
constexpr int64_t kLongestStep = 4;
// A need is found to half a per cent, and differs from run to run.
constexpr int64_t kNoisePermille = 10;

bool close(int64_t lower, int64_t upper) { return upper - lower <= upper / 1000 * SelfSizing::kTolerancePermille; }

}  // namespace

bool SelfSizing::settled() const {
  return (enough_ && close(needed_, *enough_)) || (not_enough_ && close(*not_enough_, needed_));
}

std::optional<int64_t> SelfSizing::next() const {
  if (recordings_ >= kMostRecordings || settled()) return std::nullopt;
  int64_t limit = needed_;
  if (enough_ && enough_before_) {
    // Along the line through the last two: where the need meets the limit.
    const int64_t run = *enough_before_ - *enough_, rise = *needed_before_ - needed_, short_of = *enough_ - needed_;
    const int64_t step = run > rise ? short_of * run / (run - rise) : short_of * kLongestStep;
    limit = *enough_ - std::clamp(step, short_of, short_of * kLongestStep);
  }
  if (not_enough_ && limit <= *not_enough_) limit = *not_enough_ + (needed_ - *not_enough_) / 2;
  return std::max<int64_t>(limit, 1);
}

void SelfSizing::note(int64_t shown, std::optional<int64_t> needed) {
  ++recordings_;
  if (!needed || *needed - shown > shown / 1000 * kNoisePermille) {
    not_enough_ = std::max(shown, not_enough_.value_or(0));
    // Shown more than it can do with, the program needs more than without a limit, or it is not the limit that decides.
    if (needed && !enough_ && *needed > needed_) needed_ = *needed;
    return;
  }
  enough_before_ = enough_;
  needed_before_ = needed_;
  enough_ = shown;
  needed_ = *needed;
}

}  // namespace oomcast::report
