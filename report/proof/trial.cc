// Forecasts the recording on a changed target. See trial.h.
#include "report/proof/trial.h"

#include "report/changed_target.h"
#include "report/coverage.h"
#include "report/proof/aims.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

// A suggestion has to help with each of these seeds: kswapd may be a little later, the cgroups in another order.
constexpr uint64_t kSeedsOfAProof = 3;

ReplaySettings settings_for(const Recorded& recorded, ReplaySettings settings, const Deadline& deadline) {
  if (!settings.oom_score_adj) settings.oom_score_adj = recorded.settings.oom_score_adj;
  settings.stop = [&deadline](double) { return deadline.over(); };
  return settings;
}

bool any_word(const std::vector<std::string>& words, const char* key) {
  for (const std::string& word : words)
    if (word.starts_with(key)) return true;
  return false;
}

void add_clause(std::string& text, const std::string& clause) {
  if (!clause.empty()) text += (text.empty() ? "" : "; ") + clause;
}

/// What the recording cannot tell about this change: uses that were not watched, a run that was not seen to its end, a
/// program that would have behaved differently. A clause; empty: nothing.
std::string unknown_to(const trace::CaptureSummary& capture, const std::vector<std::string>& words) {
  std::string why = capture.extrapolated;
  add_clause(why, incomplete_text(capture));
  if (capture.host_sensitive.empty()) return why;
  const bool memory = any_word(words, "memory=");
  if (memory && !capture.presented_host.empty())
    add_clause(why, "the program was shown the memory of " + capture.presented_host + ", it may size itself by more");
  return why;
}

}  // namespace

Deadline::Deadline(double budget_s, std::function<bool()> interrupted)
    : end_(std::chrono::steady_clock::now() +
           std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::duration<double>(budget_s))),
      interrupted_(std::move(interrupted)) {}

std::string_view Deadline::why() const {
  End end = end_of_it_;
  if (end == End::kNone) {
    if (interrupted_ && interrupted_())
      end = End::kSignal;
    else if (std::chrono::steady_clock::now() >= end_)
      end = End::kTime;
    // If two threads find different reasons, the first one stands.
    if (End none = End::kNone; end != End::kNone && !end_of_it_.compare_exchange_strong(none, end)) end = none;
  }
  if (end == End::kNone) return "";
  return end == End::kSignal ? "a signal to oomcast ended the proofs"
                             : "the time for proofs was over; --prove SECONDS gives more";
}

double Deadline::seconds_left() const {
  return std::chrono::duration<double>(end_ - std::chrono::steady_clock::now()).count();
}

Trial try_words(const Recorded& recorded, const sim::Outcome& forecast, const std::string& finding_id, Aim aim,
                const std::vector<std::string>& words, const Deadline& deadline) {
  Trial trial;
  auto target = changed_target(recorded.host, recorded.options, words);
  if (!target) {
    trial.error = target.error().message;
    return trial;
  }
  ReplaySettings settings = settings_for(recorded, target->settings, deadline);
  for (uint64_t seed = 1; seed <= kSeedsOfAProof; ++seed) {
    settings.model.seed = Seed{seed};
    auto replayed = replay(recorded.workload, target->host, settings);
    if (!replayed) {
      trial.stopped = deadline.over();
      trial.error = replayed.error().message;
      return trial;
    }
    const sim::Outcome& outcome = replayed->outcome;
    const bool first = seed == 1;
    const std::optional<bool> now = reached(aim, finding_id, forecast, outcome, replayed->capture);
    // The figures are those of the first seed, or of a later seed with which the suggestion does not help.
    if (!first && now == true) continue;
    trial.reached = now;
    trial.verdict = supported_verdict(outcome, replayed->capture);
    trial.effect = effect_of(outcome);
    trial.held_back = held_back(recorded.host, outcome.host);
    trial.dies = killed_names(outcome);
    trial.extrapolated = unknown_to(replayed->capture, words);
    if (now != true) break;
  }
  return trial;
}

std::optional<std::string> difference_of_replay(const Recorded& recorded, const sim::Outcome& forecast,
                                                const Deadline& deadline) {
  auto replayed = replay(recorded.workload, recorded.host, settings_for(recorded, recorded.settings, deadline));
  if (!replayed) return deadline.over() ? std::nullopt : std::optional(replayed.error().message);
  const sim::Outcome& again = replayed->outcome;
  if (again.digest == forecast.digest && again.verdict == forecast.verdict) return "";
  return std::string("the recording, replayed on the same host, gives ") + sim::verdict_name(again.verdict) +
         " and a footprint of " + bytes_text(again.app.footprint_peak) + ", the run gave " +
         sim::verdict_name(forecast.verdict) + " and " + bytes_text(forecast.app.footprint_peak);
}

}  // namespace oomcast::report
