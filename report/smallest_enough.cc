// Walks from question to question by the known answers. See smallest_enough.h.
#include "report/smallest_enough.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>

namespace oomcast::report {
namespace {

constexpr int kMostRounds = 64;  // enough halvings for any range of int64_t
constexpr int kHoles = 8;        // at most so often the search restarts above a value that should be enough and is not
constexpr int kPartBelowAGuess = 16;   // of the remaining range: a good guess lies little above the answer
constexpr int kPartAboveAGuess = 4;    // of the guess's distance from `least`: the first step above a guess that fails
constexpr int kPartWithoutAGuess = 8;  // of `least`: the first step without a guess
constexpr int kPartAboveAHole = 50;    // of the value that failed: the first step above it

using Answers = std::map<int64_t, bool>;

/// Runs the search as if all answers were known. Ends at the first question without an answer, which missing() then
/// returns.
class Walk {
 public:
  Walk(const SearchRange& range, const Answers& answers)
      : range_(range),
        answers_(answers),
        least_(range.least_fails ? range.least : rounded_up(range.least)),
        most_(rounded_up(range.most)) {}

  SearchResult run() {
    if (!range_.least_fails) {
      const auto enough = ask(least_);
      if (!enough) return result_;
      if (*enough) {
        result_.smallest = least_;
        result_.given = handed_over(least_);
        result_.finished = true;
        result_.asked = static_cast<int>(asked_.size());
        return result_;
      }
    }
    low_ = least_;
    known_fails_ = true;
    go_on();
    result_.asked = static_cast<int>(asked_.size());
    if (known_fails_) result_.below = low_;
    if (high_) result_.smallest = high_;
    if (high_ && !result_.given) result_.given = high_;
    return result_;
  }
  const std::optional<int64_t>& missing() const { return missing_; }

 private:
  int64_t rounded_up(int64_t value) const { return (value + range_.granule - 1) / range_.granule * range_.granule; }
  int64_t handed_over(int64_t smallest) const { return std::min(rounded_up(smallest + range_.spread), most_); }

  std::optional<bool> ask(int64_t value) {
    const auto known = answers_.find(value);
    if (known == answers_.end()) {
      missing_ = value;
      return std::nullopt;
    }
    asked_.insert(value);
    return known->second;
  }

  void go_on() {
    int64_t distance = least_ / kPartWithoutAGuess;
    bool by_guess = range_.guess > least_;
    if (by_guess) {
      const auto enough = try_guess();
      if (!enough) return;
      by_guess = *enough;
      distance = (range_.guess - least_) / kPartAboveAGuess;
    }
    for (int hole = 0; hole <= kHoles; ++hole) {
      if (!by_guess && !bracket(distance)) return;
      if (!narrow(by_guess)) return;
      by_guess = false;
      const auto fails = failing_above();
      if (!fails) return;
      if (*fails == 0) {
        result_.given = handed_over(*high_);
        result_.finished = true;
        return;
      }
      result_.uneven = true;
      low_ = *fails;
      distance = low_ / kPartAboveAHole;
    }
  }

  std::optional<bool> try_guess() {
    const int64_t value = std::min(rounded_up(range_.guess), most_);
    const auto enough = ask(value);
    if (enough && *enough) high_ = value;
    if (enough && !*enough) low_ = value;
    return enough;
  }

  /// Finds a value that is enough: `distance` above the low end, then twice as far in each round. Returns false if none
  /// is enough, or if an answer is missing.
  bool bracket(int64_t distance) {
    high_.reset();
    distance = std::max(range_.granule, distance);
    for (int round = 0; round < kMostRounds; ++round, distance *= 2) {
      const int64_t value = std::min(rounded_up(low_ + std::min(distance, most_)), most_);
      if (value <= low_) {
        result_.finished = true;
        return false;
      }
      const auto enough = ask(value);
      if (!enough) return false;
      if (*enough) {
        high_ = value;
        return true;
      }
      low_ = value;
    }
    return false;
  }

  bool close_enough() const {
    return *high_ - low_ <= std::max(range_.granule, low_ / 1000 * range_.tolerance_permille);
  }

  bool narrow(bool by_guess) {
    if (by_guess && !close_enough() && !step_to(*high_ - std::max(range_.granule, (*high_ - low_) / kPartBelowAGuess)))
      return false;
    for (int round = 0; round < kMostRounds && !close_enough(); ++round)
      if (!step_to(low_ + (*high_ - low_) / 2)) return false;
    return true;
  }
  bool step_to(int64_t about) {
    int64_t value = rounded_up(about);
    if (value >= *high_) value = *high_ - range_.granule;
    if (value <= low_) {
      high_ = std::min(*high_, rounded_up(low_ + 1));
      return true;
    }
    const auto enough = ask(value);
    if (!enough) return false;
    if (*enough)
      high_ = value;
    else
      low_ = value;
    return true;
  }

  /// Returns the largest value above the answer that should be enough and is not; 0: there is none. Nothing: an answer
  /// is missing.
  std::optional<int64_t> failing_above() {
    std::set<int64_t> values;
    if (range_.spread > 0) values.insert(handed_over(*high_));
    for (int permille : range_.above_permille) values.insert(rounded_up(*high_ / 1000 * permille));
    int64_t fails = 0;
    for (int64_t value : values) {
      if (value <= *high_ || value > most_) continue;
      const auto enough = ask(value);
      if (!enough) return std::nullopt;
      if (!*enough) fails = value;
    }
    return fails;
  }

  const SearchRange& range_;
  const Answers& answers_;
  const int64_t least_, most_;
  int64_t low_ = 0;
  bool known_fails_ = false;
  std::optional<int64_t> high_, missing_;
  std::set<int64_t> asked_;
  SearchResult result_;
};

std::optional<int64_t> next_question(const SearchRange& range, const Answers& answers) {
  Walk walk(range, answers);
  walk.run();
  return walk.missing();
}

/// Returns the next question, then the questions that follow either answer to it, and so on; at most `width`.
std::vector<int64_t> likely_questions(const SearchRange& range, const Answers& known) {
  std::vector<int64_t> values;
  std::deque<Answers> futures{known};
  for (int looked = 0; looked < 4 * range.width && !futures.empty() && static_cast<int>(values.size()) < range.width;
       ++looked) {
    Answers future = std::move(futures.front());
    futures.pop_front();
    const auto next = next_question(range, future);
    if (!next) continue;
    if (std::find(values.begin(), values.end(), *next) == values.end()) values.push_back(*next);
    for (bool answer : {true, false}) {
      futures.push_back(future);
      futures.back().emplace(*next, answer);
    }
  }
  return values;
}

}  // namespace

SearchResult smallest_enough(const SearchRange& range, const Enough& enough) {
  Answers answers;
  for (;;) {
    Walk walk(range, answers);
    const SearchResult result = walk.run();
    if (!walk.missing()) return result;
    const std::vector<int64_t> values = likely_questions(range, answers);
    const auto replies = enough(values);
    if (replies.empty() || !replies.front()) return result;
    for (size_t i = 0; i < std::min(values.size(), replies.size()); ++i)
      if (replies[i]) answers.emplace(values[i], *replies[i]);
  }
}

}  // namespace oomcast::report
