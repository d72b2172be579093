// One line about a sweep or search in progress. See search_progress.h.
#include "report/terminal/search_progress.h"

#include <algorithm>

#include "report/words/format.h"

namespace oomcast::report {

std::string replay_progress_text(double done, double elapsed_s) {
  std::string text = "oomcast: replay: " + std::to_string(static_cast<int>(done * 100)) + " % of the recording";
  constexpr double kTooEarly = 0.01;
  if (done > kTooEarly && done < 1) text += ", " + left_text(elapsed_s / done * (1 - done)) + " left";
  return text;
}

std::string sweep_progress_text(size_t done, size_t all, double elapsed_s) {
  std::string text = "oomcast: sweep: " + std::to_string(done) + " of " + std::to_string(all) + " hosts";
  if (done > 0 && done < all)
    text += ", " + left_text(elapsed_s / static_cast<double>(done) * static_cast<double>(all - done)) + " left";
  return text;
}

std::string seeds_progress_text(int done, int all, double elapsed_s) {
  std::string text = "oomcast: chance: " + std::to_string(done) + " of " + std::to_string(all) + " seeds";
  if (done > 0 && done < all) text += ", " + left_text(elapsed_s / done * (all - done)) + " left";
  return text;
}

std::string proofs_progress_text(int done, int all, double left_s) {
  return "oomcast: proving: " + std::to_string(done) + " of " + std::to_string(all) + " suggestions, at most " +
         left_text(left_s) + " left";
}

std::string fit_progress_text(int asked, int64_t least, int64_t most, double elapsed_s) {
  std::string text = "oomcast: fit: " + std::to_string(asked) + (asked == 1 ? " size" : " sizes") + " tried, now " +
                     bytes_text(Bytes(least)) + " to " + bytes_text(Bytes(most));
  constexpr int kTypically = 14;  // two to find a size that is enough, eight to narrow it down, four above it
  if (asked > 0) text += ", about " + left_text(elapsed_s / asked * std::max(1, kTypically - asked)) + " left";
  return text;
}

}  // namespace oomcast::report
