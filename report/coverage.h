// Judges whether the recording saw enough of the program for a forecast: says what each headline number rests on, and
// when the verdict is withheld.
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
  std::string why;  // a clause; empty for kGood
};
/// Unseen memory, and a run that was not seen to its end, can only make the forecast too mild. An OOM kill that is
/// forecast all the same is therefore not withheld; its level is kLow.
Support judge_support(const sim::Outcome& outcome, const trace::CaptureSummary& capture);

/// Returns why the forecast does not cover the whole life of the program, a clause without a full stop: a trace that
/// was cut, a program that this machine stopped, processes that were still running. Empty if the forecast covers all of
/// it.
std::string incomplete_text(const trace::CaptureSummary& capture);

/// Returns the RssAnon that the kernel counted at the peak, less the pages that the recorder had prefilled: the
/// program's own, in bytes.
uint64_t own_rss_bytes(const trace::CaptureSummary& capture);
/// Returns the part of own_rss_bytes() that tracking has not seen.
uint64_t unseen_bytes(const trace::CaptureSummary& capture);

/// Returns an upper bound of the memory that the program used at the peak unseen: unseen_bytes(), and all that the
/// recorder had prefilled.
Bytes may_be_unseen(const trace::CaptureSummary& capture);

/// The tracked share of the memory that the kernel counted for the program, or why the two cannot be compared. The
/// kernel's count is read every few milliseconds at best, so that it misses the peak of a process that lives shorter.
struct Compared {
  std::optional<double> ratio;
  std::string why;  // a clause without a full stop; empty where there is a ratio
};
Compared compare_with_kernel(const trace::CaptureSummary& capture);

/// Returns the verdict, or nothing when the verdict is withheld.
std::optional<sim::Verdict> supported_verdict(const sim::Outcome& outcome, const trace::CaptureSummary& capture);

enum class RestsOn : uint8_t { kMeasured, kModelled, kAssumed, kExtrapolated, kWithheld };
const char* rests_on_name(RestsOn rests_on);

struct Basis {
  std::string key;  // path of the number in the report: "first", "oom_kills"
  RestsOn rests_on = RestsOn::kModelled;
  std::string why;
};
std::vector<Basis> headline_basis(const sim::Outcome& outcome, const trace::CaptureSummary& capture);

/// Returns a sentence: why the sleeps above memory.high may last much longer than forecast. Empty if no such sleep was
/// without swap.
std::string dry_memory_high_text(const sim::Outcome& outcome);
/// Returns coverage.caveats: the recorder's, the model's and the report's own (such as values of memory.stat that the
/// model does not keep).
std::vector<std::string> all_caveats(const sim::Outcome& outcome, const trace::CaptureSummary& capture);

}  // namespace oomcast::report
