// Judges whether enough of the program was seen to say anything: what each headline number rests on, and when to
// withhold it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/sim/outcome.h"
#include "model/trace/capture_summary.h"

namespace oomcast::report {

struct Support {
  enum class Level : uint8_t { kGood, kLow, kWithheld };
  Level level = Level::kGood;
  std::string why;  // a sentence, empty when good
};
/// Unseen memory and a run that was not seen to its end make a forecast too kind, never too harsh: an OOM kill that is
/// forecast anyway is not withheld.
Support judge_support(const sim::Outcome& outcome, const trace::CaptureSummary& capture);

/// Why the forecast does not cover the whole life of the program: a cut trace, a program that this
/// machine stopped, processes that were left behind. A clause
/// without a full stop; empty when it does.
std::string incomplete_text(const trace::CaptureSummary& capture);

/// What the kernel counted at the peak less what the recorder itself had filled ahead: the program's own.
uint64_t own_rss_bytes(const trace::CaptureSummary& capture);
/// What of that tracking has not seen.
uint64_t unseen_bytes(const trace::CaptureSummary& capture);

/// What the program may have used at the peak without being seen: that, and what the recorder had filled ahead.
Bytes may_be_unseen(const trace::CaptureSummary& capture);

/// How much of the memory that the kernel counted for the program tracking saw, or why the two cannot be compared. The
/// kernel's count is read every few milliseconds at best: of processes that live shorter its most is missed.
struct Compared {
  std::optional<double> ratio;
  std::string why;  // a clause without a full stop, empty where there is a ratio
};
Compared compare_with_kernel(const trace::CaptureSummary& capture);

/// The verdict, or nothing when it is withheld.
std::optional<sim::Verdict> supported_verdict(const sim::Outcome& outcome, const trace::CaptureSummary& capture);

enum class RestsOn : uint8_t { kMeasured, kModelled, kAssumed, kExtrapolated, kWithheld };
const char* rests_on_name(RestsOn rests_on);

struct Basis {
  std::string key;  // path of the number in the report, e.g. "app.footprint_peak_bytes"
  RestsOn rests_on = RestsOn::kModelled;
  std::string why;
};
std::vector<Basis> headline_basis(const sim::Outcome& outcome, const trace::CaptureSummary& capture);

/// Why sleeps for memory.high may last much longer than forecast; empty where they were not, or there was swap to use.
std::string dry_memory_high_text(const sim::Outcome& outcome);
/// coverage.caveats: the recorder's, the model's, and the report's own (values that are null because nobody computes
/// them).
std::vector<std::string> all_caveats(const sim::Outcome& outcome, const trace::CaptureSummary& capture);

}  // namespace oomcast::report
