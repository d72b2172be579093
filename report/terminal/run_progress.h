// One line about a forecast in progress, while the program runs.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "model/sim/simulation.h"
#include "report/terminal/status_line.h"

namespace oomcast::report {

/// "oomcast: 12.4 s, footprint 812.0 MiB; forecast for vm-1g: 43.2 MiB free, direct_reclaim so far".
std::string progress_text(const std::string& host, double elapsed_s, const sim::Glimpse& glimpse);

/// Shows that line about five times a second, from the first second of the run on: most programs have ended by then,
/// and a program that uses the whole screen has begun to.
class RunProgress {
 public:
  RunProgress(std::unique_ptr<StatusLine> line, std::string host) : line_(std::move(line)), host_(std::move(host)) {}
  void update(const sim::Simulation& simulation);
  void end() { line_->erase(); }

 private:
  using Clock = std::chrono::steady_clock;
  std::unique_ptr<StatusLine> line_;
  std::string host_;
  Clock::time_point begun_ = Clock::now(), next_ = begun_ + std::chrono::seconds(1);
};

}  // namespace oomcast::report
