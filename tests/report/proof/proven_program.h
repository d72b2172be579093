// Forecasts a small program and proves what its findings suggest, as `oomcast run` does.
#pragma once

#include <algorithm>
#include <functional>
#include <string>

#include "report/proof/proof_words.h"
#include "report/proof/prove.h"
#include "tests/report/recorded_program.h"

namespace oomcast::report {

struct Proven {
  sim::Outcome outcome;
  trace::CaptureSummary capture;
  Findings findings;
  ProofSummary summary;

  bool has(const std::string& id) const {
    return std::any_of(findings.begin(), findings.end(), [&](const Finding& f) { return f.id == id; });
  }
  /// Empty with a failure if there is none.
  Finding the(const std::string& id) const {
    for (const Finding& finding : findings)
      if (finding.id == id) return finding;
    ADD_FAILURE() << "no finding " << id << ":\n" << findings_text();
    return {};
  }
  /// The suggestion of a finding that begins with these words. Empty with a failure if there is none.
  Try suggestion(const std::string& id, const std::string& begin) const {
    for (const Try& each : the(id).tries)
      if (each.change.starts_with(begin)) return each;
    ADD_FAILURE() << "nothing begins with '" << begin << "':\n" << findings_text();
    return {};
  }
  std::string findings_text() const {
    std::string text = std::string(sim::verdict_name(outcome.verdict)) + "\n";
    for (const Finding& finding : findings) {
      text += finding.id + ": " + finding.title + "\n  " + finding.why + "\n";
      for (const Try& each : finding.tries)
        text += "  - " + each.change + " [" + proof_text(each) + "] " + each.not_simulated + "\n";
    }
    return text;
  }
};

struct HowToProve {
  int oom_score_adj = 0;
  double budget_s = 600;  // a busy machine may take ten times as long as an idle one
  int jobs = 2;
  RunOptions options = {};
  bool live = true;
  const host::HostSpec* assumed_host = nullptr;  // what prove() takes for the host of the forecast; null: the true one
};

template <class Play>
Proven prove_program(const host::HostSpec& host, Play play, const HowToProve& how = {}) {
  RecordedProgram recorded = record(host, play, nullptr, how.oom_score_adj);
  Recorded recording{{recorded.bytes, "test"}, how.assumed_host ? *how.assumed_host : host, how.options, {}, how.live};
  recording.options.model.oom_score_adj = recording.settings.model.oom_score_adj = how.oom_score_adj;
  auto again = replay(recorded.bytes, "test", host, recording.settings);
  EXPECT_TRUE(again.ok()) << (again ? "" : again.error().message);
  Proven proven{std::move(recorded.outcome), again->capture, {}, {}};
  proven.findings = find_all(proven.outcome, proven.capture);
  ProveSettings settings;
  settings.budget_s = how.budget_s;
  settings.jobs = how.jobs;
  proven.summary = prove(recording, proven.outcome, settings, proven.findings);
  return proven;
}

}  // namespace oomcast::report
