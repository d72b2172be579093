// Says how far a sweep or a search has come. See search_progress.h.
#include "report/terminal/search_progress.h"

#include <algorithm>
#include <cmath>

#include "report/format.h"

namespace oomcast::report {

std::string sweep_progress_text(size_t done, size_t all, double elapsed_s) {
  std::string text = "oomcast: sweep: " + std::to_string(done) + " of " + std::to_string(all) + " hosts";
  if (done > 0 && done < all)
    text += ", " + left_text(elapsed_s / static_cast<double>(done) * static_cast<double>(all - done)) + " left";
  return text;
}

std::string proofs_progress_text(int done, int all, double left_s) {
  return "oomcast: proving: " + std::to_string(done) + " of " + std::to_string(all) + " suggestions, at most " + left_text(left_s) + " left";
}

std::string fit_progress_text(int asked, int64_t least, int64_t most, double elapsed_s) {
  std::string text = "oomcast: fit: " + std::to_string(asked) + (asked == 1 ? " size" : " sizes") + " tried, now " +
                     bytes_text(Bytes(least)) + " to " + bytes_text(Bytes(most));
  constexpr double kTolerance = 0.005, kNarrows = 3, kAskedAtATime = 2;
  if (asked > 0 && most > 0) {
    const double width = static_cast<double>(most - least) / static_cast<double>(most);
    const double rounds = std::max(1.0, std::ceil(std::log(std::max(1.0, width / kTolerance)) / std::log(kNarrows)));
    text += ", about " + left_text(elapsed_s / asked * rounds * kAskedAtATime) + " left";
  }
  return text;
}

}  // namespace oomcast::report
