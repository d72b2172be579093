// Narrows a range from both sides, several values at a time, then looks above the answer for holes.
#include "report/fit/search.h"

#include <algorithm>

namespace oomcast::report {
namespace {

constexpr int kMostRounds = 64;                             // halves any int64_t range to nothing
constexpr int kAbovePermille[] = {1020, 1050, 1100, 1250};  // of the answer, asked once it is found

int64_t rounded(int64_t value, int64_t granule) { return (value + granule - 1) / granule * granule; }

class Search {
 public:
  Search(const SearchRange& range, const Enough& enough) : range_(range), enough_(enough) {}

  Result<SearchResult> run() {
    int64_t least = rounded(range_.least, range_.granule), most = rounded(range_.most, range_.granule);
    auto ends = ask(least == most ? std::vector<int64_t>{most} : std::vector<int64_t>{least, most});
    if (!ends) return ends.error();
    if (!ends->back()) return result_;
    if (ends->front()) {
      result_.smallest = least;
      return result_;
    }
    if (auto narrowed = narrow(least, most); !narrowed) return narrowed.error();
    if (auto looked = look_above(); !looked) return looked.error();
    return result_;
  }

 private:
  Result<std::vector<bool>> ask(const std::vector<int64_t>& values) {
    result_.asked += static_cast<int>(values.size());
    auto answers = enough_(values);
    if (answers && answers->size() != values.size()) return Error{"the search got no answer for a value"};
    return answers;
  }

  bool close_enough(int64_t below, int64_t smallest) const {
    return smallest - below <= std::max(range_.granule, below / 1000 * range_.tolerance_permille);
  }

  /// Values between the two at even distances; none where no multiple of the granule lies between.
  std::vector<int64_t> between(int64_t below, int64_t smallest) const {
    std::vector<int64_t> values;
    for (int i = 1; i <= range_.width; ++i) {
      int64_t value = rounded(below + (smallest - below) * i / (range_.width + 1), range_.granule);
      value = std::min(value, smallest - range_.granule);
      if (value > below && (values.empty() || value > values.back())) values.push_back(value);
    }
    return values;
  }

  Result<void> narrow(int64_t below, int64_t smallest) {
    for (int round = 0; round < kMostRounds && !close_enough(below, smallest); ++round) {
      std::vector<int64_t> values = between(below, smallest);
      if (values.empty()) break;
      auto answers = ask(values);
      if (!answers) return answers.error();
      // From the top: below the largest value that is not enough nothing is an answer.
      for (size_t i = values.size(); i-- > 0;) {
        if (!answers.value()[i]) {
          below = values[i];
          break;
        }
        smallest = values[i];
      }
    }
    result_.smallest = smallest;
    result_.below = below;
    return {};
  }

  Result<void> look_above() {
    for (int round = 0; round < kMostRounds; ++round) {
      std::vector<int64_t> values;
      for (int permille : kAbovePermille) {
        int64_t value = rounded(*result_.smallest / 1000 * permille, range_.granule);
        if (value > *result_.smallest && value < range_.most) values.push_back(value);
      }
      if (values.empty()) return {};
      auto answers = ask(values);
      if (!answers) return answers.error();
      size_t hole = values.size();
      for (size_t i = 0; i < values.size(); ++i)
        if (!answers.value()[i]) hole = i;
      if (hole == values.size()) return {};
      result_.uneven = true;
      int64_t above = hole + 1 < values.size() ? values[hole + 1] : rounded(range_.most, range_.granule);
      if (auto narrowed = narrow(values[hole], above); !narrowed) return narrowed;
    }
    return {};
  }

  const SearchRange& range_;
  const Enough& enough_;
  SearchResult result_;
};

}  // namespace

Result<SearchResult> smallest_enough(const SearchRange& range, const Enough& enough) {
  if (range.granule <= 0 || range.width <= 0 || range.least < 0 || range.least > range.most)
    return Error{"the search has no range"};
  return Search(range, enough).run();
}

}  // namespace oomcast::report
