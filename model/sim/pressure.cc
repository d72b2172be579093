// Accounts for the time that was lost to memory. See pressure.h; kernel-spec section 12.5.
#include "model/sim/pressure.h"

namespace oomcast::sim {

namespace {
constexpr Nanoseconds kPeriod{2'000'000'000};
constexpr int64_t kFactors[3] = {1677, 1981, 2034};  // EXP_10s, EXP_60s, EXP_300s of 2048
constexpr int64_t kFixed = 2048;
}  // namespace

void PressureMeter::close_period(Line& line) {
  const Nanoseconds lost = line.total - line.at_period_start;
  line.at_period_start = line.total;
  const int64_t share = lost.count() * 10000 / kPeriod.count() * kFixed;
  for (int i = 0; i < 3; ++i)
    line.average[i] = (line.average[i] * kFactors[i] + share * (kFixed - kFactors[i])) / kFixed;
}

void PressureMeter::add(Nanoseconds now, Nanoseconds some, Nanoseconds full) {
  some_.total += some;
  full_.total += full;
  while (now - period_start_ >= kPeriod) {
    close_period(some_);
    close_period(full_);
    period_start_ += kPeriod;
  }
}

PressureLine PressureMeter::line(const Line& line) {
  return {line.average[0] / kFixed, line.average[1] / kFixed, line.average[2] / kFixed, line.total};
}

}  // namespace oomcast::sim
