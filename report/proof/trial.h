// Forecasts the recording on a changed target and judges what came of it. Safe to call from several threads.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string_view>

#include "report/proof/prove.h"

namespace oomcast::report {

/// When to stop, and why. Once it says so it goes on to say so.
class Deadline {
 public:
  Deadline(double budget_s, std::function<bool()> interrupted);
  bool over() const { return !why().empty(); }
  /// A clause; empty: there is time left.
  std::string_view why() const;
  double seconds_left() const;

 private:
  std::chrono::steady_clock::time_point end_;
  std::function<bool()> interrupted_;
  enum class End : uint8_t { kNone, kTime, kSignal };
  mutable std::atomic<End> end_of_it_{End::kNone};
};

struct Trial {
  bool stopped = false;         // the deadline came first: nothing below is valid
  std::string error;            // there is no such target; nothing below is valid
  std::optional<bool> reached;  // nothing: the verdict is withheld
  std::optional<sim::Verdict> verdict;
  Effect effect;
  Bytes held_back;
  std::vector<std::string> dies;
  std::string extrapolated;
};

Trial try_words(const Recorded& recorded, const sim::Outcome& forecast, const std::string& finding_id, Aim aim,
                const std::vector<std::string>& words, const Deadline& deadline);

/// Why a replay of the recording does not give the live forecast, a clause; empty: it does. Nothing when it was
/// stopped.
std::optional<std::string> difference_of_replay(const Recorded& recorded, const sim::Outcome& forecast,
                                                const Deadline& deadline);

}  // namespace oomcast::report
