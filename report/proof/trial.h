// Forecasts the recording on a changed target and judges the result. Several threads may call it.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string_view>

#include "report/proof/prove.h"

namespace oomcast::report {

/// When to stop, and why. Once over, it stays over with the same reason.
class Deadline {
 public:
  Deadline(double budget_s, std::function<bool()> interrupted);
  bool over() const { return !why().empty(); }
  /// Why to stop, as a clause; empty: there is time left.
  std::string_view why() const;
  double seconds_left() const;

 private:
  std::chrono::steady_clock::time_point end_;
  std::function<bool()> interrupted_;
  enum class End : uint8_t { kNone, kTime, kSignal };
  mutable std::atomic<End> end_of_it_{End::kNone};
};

struct Trial {
  bool stopped = false;         // the deadline came first: the fields below are not valid
  std::string error;            // there is no such target: the fields below are not valid
  std::optional<bool> reached;  // nothing: the verdict is withheld
  std::optional<sim::Verdict> verdict;
  Effect effect;
  Bytes held_back;
  std::vector<std::string> dies;
  std::string extrapolated;
};

/// Forecasts the target changed by `words`, and judges it by `aim`. See Trial.
Trial try_words(const Recorded& recorded, const sim::Outcome& forecast, const std::string& finding_id, Aim aim,
                const std::vector<std::string>& words, const Deadline& deadline);

/// Why a replay of the recording does not give the live forecast, as a clause; empty: it does. Nothing if the deadline
/// stopped it.
std::optional<std::string> difference_of_replay(const Recorded& recorded, const sim::Outcome& forecast,
                                                const Deadline& deadline);

}  // namespace oomcast::report
