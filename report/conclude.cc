// Ends a forecast. See conclude.h.
#include "report/conclude.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "report/chance.h"
#include "report/console.h"
#include "report/coverage.h"
#include "report/json_report.h"
#include "report/summary.h"
#include "report/terminal/search_progress.h"

namespace oomcast::report {
namespace {

/// A CI job must not turn green because nothing was seen: a withheld verdict and a run that was cut short fail the
/// gate, too. A pod that the kubelet evicts counts as much as a process that the kernel kills.
bool too_bad(const RunOptions& options, const sim::Outcome& outcome, const trace::CaptureSummary& capture,
             const Chance& chance) {
  if (!options.fail_on) return false;
  if (!outcome.evictions.empty()) return true;
  auto verdict = supported_verdict(outcome, capture);
  if (chance.seeds > 0 && chance.worst() >= *options.fail_on) return true;
  return !verdict || !capture.cut.empty() || !capture.stopped.empty() || *verdict >= *options.fail_on;
}

/// True if a blocked signal that would end the command is pending. The report is written first, and the proofs then
/// stop.
bool signal_waits() {
  sigset_t pending;
  if (::sigpending(&pending) != 0) return false;
  return ::sigismember(&pending, SIGINT) == 1 || ::sigismember(&pending, SIGTERM) == 1 ||
         ::sigismember(&pending, SIGHUP) == 1 || ::sigismember(&pending, SIGQUIT) == 1;
}

/// Proves the findings' suggestions within the time budget: --prove, else the larger of 10 s and `own_s`, the time that
/// the run took.
ProofSummary prove_within(const RunOptions& options, const Recorded& recorded, double own_s,
                          const sim::Outcome& outcome, Findings& findings) {
  constexpr double kLeastBudgetS = 10;
  ProveSettings settings;
  settings.budget_s = options.prove_s.value_or(std::max(kLeastBudgetS, own_s));
  settings.interrupted = signal_waits;
  SearchProgress progress(status_line(progress_mode(options.progress), Beside::kNobody, options.quiet));
  settings.progress = [&](int done, int all, double left) { progress.proofs(done, all, left); };
  ProofSummary proofs = prove(recorded, outcome, settings, findings);
  progress.end();
  return proofs;
}

/// Simulates the same run with other seeds; returns an empty Chance where one seed is enough.
Chance chance_within(const RunOptions& options, const Result<Recorded>& recorded) {
  if (options.seeds <= 1) return {};
  Chance chance;
  if (!recorded) {
    chance.cut = recorded.error().message;
    return chance;
  }
  SearchProgress progress(status_line(progress_mode(options.progress), Beside::kNobody, options.quiet));
  ChanceSettings settings;
  settings.seeds = options.seeds;
  settings.progress = [&](int done, int all) { progress.seeds(done, all); };
  settings.interrupted = signal_waits;
  chance = try_seeds(recorded.value(), settings);
  progress.end();
  return chance;
}

/// Returns why no suggestion is proven, a clause; empty: they can be.
std::string why_not_to_prove(const RunOptions& options, const trace::CaptureSummary& capture,
                             const Result<Recorded>& recorded) {
  if (options.prove_s == 0.0) return kNotAskedFor;
  if (!recorded) return recorded.error().message;
  // The program was stopped because this machine lacked memory: no simulation can know what the program would have done
  // next.
  return capture.stopped.empty() ? "" : "the program was stopped before its end, for lack of memory on this machine";
}

}  // namespace

Result<Places> Places::prepare(const RunOptions& options) {
  auto report = ReportFile::prepare(options.report);
  if (!report) return report.error();
  auto page = PageFile::prepare(options.html, options.report);
  if (!page) return page.error();
  return Places{std::move(report).value(), std::move(page).value()};
}

int conclude(const RunOptions& options, const Places& places, const sim::Outcome& outcome,
             const trace::CaptureSummary& capture, const Result<Recorded>& recorded, double own_s) {
  Findings findings = find_all(outcome, capture);
  int pid = outcome.app.processes.empty() ? static_cast<int>(::getpid()) : outcome.app.processes.front().pid;
  ProofSummary proofs;
  if (const std::string why = why_not_to_prove(options, capture, recorded); !why.empty()) {
    proofs = leave_unproven(findings, why);
  } else {
    // If this process dies while it proves, a report without proofs is already there.
    if (can_prove(findings) && places.report.can_be_replaced())
      static_cast<void>(places.report.write(report_text(to_json(outcome, capture, findings)), pid));
    proofs = prove_within(options, recorded.value(), own_s, outcome, findings);
  }
  const Chance chance = chance_within(options, recorded);
  const nlohmann::ordered_json document = to_json(outcome, capture, findings, proofs, chance);
  const std::string report = report_text(document);
  auto written = places.report.write(report, pid);
  if (!options.quiet) {
    const std::string place =
        (written ? written.value() : "not written") + (options.html.empty() ? "" : ", page: " + options.html);
    const std::string text = summary_text(outcome, capture, findings, document, place, look_of(STDERR_FILENO), chance);
    std::fputs(text.c_str(), stderr);
  }
  if (!written) return fail(kExitUsage, written.error().message);
  if (auto page = places.page.write(report, pid); !page) return fail(kExitUsage, page.error().message);
  return too_bad(options, outcome, capture, chance) ? kExitForecastTooBad : 0;
}

}  // namespace oomcast::report
