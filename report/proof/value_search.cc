// Searches for the smallest value that is enough. See value_search.h.
#include "report/proof/value_search.h"

#include <algorithm>

namespace oomcast::report {
namespace {

constexpr int kMostRounds = 64;  // halves any range of int64_t to nothing
constexpr int kHoles = 3;        // so often the search moves above a value that was expected to be enough

/// Always in terms of "more is enough": a search for the largest value below `now` looks at distances from it instead.
class Finder {
 public:
  Finder(const SearchedValue& search, const AskValue& ask)
      : search_(search), ask_(ask), start_(search.largest ? 0 : search.now),
        most_(search.largest ? search.now - search.most : search.most) {}

  FoundValue run() {
    int64_t low = start_;
    for (int hole = 0; hole <= kHoles; ++hole) {
      if (!bracket(low) || !narrow()) return told();
      const int64_t given = std::min(rounded_up(high_ + search_.spread), rounded_up(most_));
      if (given == high_) return finished(given);
      const auto enough = ask(given);
      if (!enough) return told();
      if (*enough) return finished(given);
      low = given;
    }
    return told();
  }

 private:
  int64_t rounded_up(int64_t value) const { return (value + search_.step - 1) / search_.step * search_.step; }
  std::optional<bool> ask(int64_t value) { return ask_(search_.largest ? search_.now - value : value); }

  FoundValue told() const {
    FoundValue found;
    const auto value = [&](int64_t internal) { return search_.largest ? search_.now - internal : internal; };
    if (have_high_) found.smallest = found.given = value(high_);
    found.below = value(low_);
    return found;
  }
  FoundValue finished(int64_t given) const {
    FoundValue found = told();
    found.given = search_.largest ? search_.now - given : given;
    found.finished = true;
    return found;
  }

  /// Finds a value that is enough: the guess, then twice as far each time.
  bool bracket(int64_t low) {
    low_ = low;
    have_high_ = false;
    int64_t distance = std::max(search_.step, start_ / 8);
    if (search_.guess > 0) distance = std::max(search_.step, (search_.largest ? search_.now - search_.guess : search_.guess) - start_);
    for (int round = 0; round < kMostRounds; ++round, distance *= 2) {
      const int64_t value = std::min(rounded_up(low_ + distance), rounded_up(most_));
      if (value <= low_) return false;
      const auto enough = ask(value);
      if (!enough) return false;
      if (*enough) {
        high_ = value;
        have_high_ = true;
        return true;
      }
      low_ = value;
    }
    return false;
  }

  bool close_enough() const { return high_ - low_ <= std::max(search_.step, low_ / 1000 * search_.tolerance_permille); }

  bool narrow() {
    // A good guess is enough by little: the value just below it ends the search at once.
    if (search_.guess > 0 && !close_enough() && !step_to(high_ - std::max(search_.step, (high_ - low_) / 16))) return false;
    for (int round = 0; round < kMostRounds && !close_enough(); ++round)
      if (!step_to(low_ + (high_ - low_) / 2)) return false;
    return true;
  }
  bool step_to(int64_t about) {
    int64_t value = rounded_up(about);
    if (value >= high_) value = high_ - search_.step;
    if (value <= low_) return high_ = std::min(high_, rounded_up(low_ + 1)), true;
    const auto enough = ask(value);
    if (!enough) return false;
    (*enough ? high_ : low_) = value;
    return true;
  }

  const SearchedValue& search_;
  const AskValue& ask_;
  const int64_t start_, most_;
  int64_t low_ = 0, high_ = 0;
  bool have_high_ = false;
};

}  // namespace

FoundValue find_value(const SearchedValue& search, const AskValue& ask) { return Finder(search, ask).run(); }

}  // namespace oomcast::report
