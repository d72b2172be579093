// One line about a sweep or search in progress, with the time that may be left.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "report/terminal/status_line.h"

namespace oomcast::report {

/// "oomcast: replay: 40 % of the recording, 8 s left".
std::string replay_progress_text(double done, double elapsed_s);
/// "oomcast: sweep: 12 of 64 hosts, 8 s left". The time left is in proportion to what is done.
std::string sweep_progress_text(size_t done, size_t all, double elapsed_s);
std::string seeds_progress_text(int done, int all, double elapsed_s);
/// "oomcast: fit: 6 sizes tried, now 100.0 MiB to 120.0 MiB, about 3 s left". Assumes that a search tries 14 sizes.
std::string fit_progress_text(int asked, int64_t least, int64_t most, double elapsed_s);

/// "oomcast: proving: 1 of 3 suggestions, at most 7 s left".
std::string proofs_progress_text(int done, int all, double left_s);

/// Shows these lines, with the time since its construction.
class SearchProgress {
 public:
  explicit SearchProgress(std::unique_ptr<StatusLine> line) : line_(std::move(line)) {}
  void replay(double done) { line_->show(replay_progress_text(done, elapsed_s())); }
  void sweep(size_t done, size_t all) { line_->show(sweep_progress_text(done, all, elapsed_s())); }
  void fit(int asked, int64_t least, int64_t most) { line_->show(fit_progress_text(asked, least, most, elapsed_s())); }
  void proofs(int done, int all, double left_s) { line_->show(proofs_progress_text(done, all, left_s)); }
  void seeds(int done, int all) { line_->show(seeds_progress_text(done, all, elapsed_s())); }
  void end() { line_->erase(); }

 private:
  using Clock = std::chrono::steady_clock;
  double elapsed_s() const { return std::chrono::duration<double>(Clock::now() - begun_).count(); }

  std::unique_ptr<StatusLine> line_;
  Clock::time_point begun_ = Clock::now();
};

}  // namespace oomcast::report
