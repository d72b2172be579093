// Steps towards the limit that equals what the program needs when it is shown that limit.
#include "report/fit/self_sizing.h"

#include <algorithm>

namespace oomcast::report {
namespace {

// A step is at most this many times the distance by which the program's need lies below its limit.
constexpr int64_t kLongestStep = 4;
// The search finds a need to 0.5 % (see smallest_enough.h), and the need differs from run to run.
constexpr int64_t kNoisePermille = 10;

// How fast the limit is raised while the program gives up, as a fraction. Java needs 1.3 to 4 times its need.
constexpr int64_t kRaise = 3, kRaiseBy = 2;

bool close(int64_t lower, int64_t upper) { return upper - lower <= upper / 1000 * SelfSizing::kTolerancePermille; }

}  // namespace

std::optional<int64_t> SelfSizing::gives_up_at() const {
  return gave_up_ && needed_ <= *gave_up_ ? gave_up_ : std::nullopt;
}

int64_t SelfSizing::answer() const { return gives_up_at() ? enough_.value_or(needed_) : needed_; }

bool SelfSizing::settled() const {
  if (gives_up_at()) return enough_ && close(*gave_up_, *enough_);
  return (enough_ && close(needed_, *enough_)) || (not_enough_ && close(*not_enough_, needed_));
}

std::optional<int64_t> SelfSizing::next() const {
  if (recordings_ >= kMostRecordings || settled()) return std::nullopt;
  if (gives_up_at()) return enough_ ? *gave_up_ + (*enough_ - *gave_up_) / 2 : *gave_up_ / kRaiseBy * kRaise;
  int64_t limit = needed_;
  if (enough_ && enough_before_) {
    // Secant step: on the line through the last two recordings, the limit at which the need equals the limit.
    const int64_t run = *enough_before_ - *enough_, rise = *needed_before_ - needed_, short_of = *enough_ - needed_;
    const int64_t step = run > rise ? short_of * run / (run - rise) : short_of * kLongestStep;
    limit = *enough_ - std::clamp(step, short_of, short_of * kLongestStep);
  }
  if (not_enough_ && limit <= *not_enough_) limit = *not_enough_ + (needed_ - *not_enough_) / 2;
  return std::max<int64_t>(limit, 1);
}

void SelfSizing::note(int64_t shown, std::optional<int64_t> needed) {
  ++recordings_;
  if (!needed) {
    gave_up_ = std::max(shown, gave_up_.value_or(0));
    if (enough_ && *enough_ <= *gave_up_) enough_.reset();  // it gives up at times: seek a limit above this one
  }
  if (!needed || *needed - shown > shown / 1000 * kNoisePermille) {
    not_enough_ = std::max(shown, not_enough_.value_or(0));
    // The program needs more under this limit than it does without one: that need is the better start.
    if (needed && !enough_ && *needed > needed_) needed_ = *needed;
    return;
  }
  enough_before_ = enough_;
  needed_before_ = needed_;
  enough_ = shown;
  needed_ = *needed;
}

}  // namespace oomcast::report
