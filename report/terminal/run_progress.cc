// One line about a forecast in progress. See run_progress.h.
#include "report/terminal/run_progress.h"

#include "report/words/format.h"

namespace oomcast::report {

std::string progress_text(const std::string& host, double elapsed_s, const sim::Glimpse& glimpse) {
  return "oomcast: " + seconds_text(Nanoseconds(static_cast<int64_t>(elapsed_s * 1e9))) + ", footprint " +
         bytes_text(glimpse.app_footprint) + "; forecast for " + host + ": " + bytes_text(glimpse.free) + " free, " +
         sim::verdict_name(glimpse.verdict) + " so far";
}

void RunProgress::update(const sim::Simulation& simulation) {
  const Clock::time_point now = Clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds(200);
  line_->show(progress_text(host_, std::chrono::duration<double>(now - begun_).count(), simulation.glimpse()));
}

}  // namespace oomcast::report
