// The summary on stderr: 25 lines at most, one per question, in the order in which they are asked at three in the
// morning.
#include "report/summary.h"

#include <algorithm>

#include "report/chance.h"
#include "report/coverage.h"
#include "report/margin.h"
#include "report/services/service_words.h"
#include "report/story.h"
#include "report/terminal/summary_parts.h"
#include "report/terminal/terminal_text.h"
#include "report/words/format.h"
#include "report/words/why.h"

namespace oomcast::report {
namespace {

using sim::Verdict;

const char* headline(Verdict verdict) {
  switch (verdict) {
    case Verdict::kFits:
      return "FITS";
    case Verdict::kBackgroundReclaim:
      return "BACKGROUND RECLAIM";
    case Verdict::kDirectReclaim:
      return "DIRECT RECLAIM";
    case Verdict::kAllocRefused:
      return "ALLOCATION REFUSED";
    case Verdict::kOomKill:
      return "OOM KILL";
  }
  return "?";
}

const char* tint(Verdict verdict) {
  switch (verdict) {
    case Verdict::kFits:
      return kGreen;
    case Verdict::kBackgroundReclaim:
    case Verdict::kDirectReclaim:
      return kYellow;
    case Verdict::kAllocRefused:
    case Verdict::kOomKill:
      return kRed;
  }
  return kYellow;
}

/// The incident that the verdict is about; none for "fits".
const std::optional<sim::Incident>& decisive(const sim::Outcome& outcome) {
  static const std::optional<sim::Incident> kNone;
  switch (outcome.verdict) {
    case Verdict::kFits:
      return kNone;
    case Verdict::kBackgroundReclaim:
      return outcome.kswapd_scan;
    case Verdict::kDirectReclaim:
      return outcome.direct_reclaim;
    case Verdict::kAllocRefused:
      return outcome.alloc_refused;
    case Verdict::kOomKill:
      return outcome.oom_kill;
  }
  return kNone;
}

/// Which verdicts other seeds give. A verdict that luck decides says so in the first line.
void write_chance(const Chance& chance, SummaryPaper& paper) {
  if (chance.flips()) paper.line("chance", chance_text(chance));
  if (!chance.flips() && chance.seeds > 0) paper.line("chance", chance_text(chance), Rank::kUseful);
  if (!chance.cut.empty()) paper.line("chance", chance.cut, Rank::kUseful);
}

void write_verdict(const sim::Outcome& outcome, const trace::CaptureSummary& capture, const Chance& chance,
                   SummaryPaper& paper) {
  std::string word = paper.tinted(tint(outcome.verdict), headline(outcome.verdict));
  if (chance.flips()) word += " (luck decides)";
  const auto& incident = decisive(outcome);
  std::string when = incident ? ", " + seconds_text(incident->t) + " into the run, at a footprint of " +
                                    bytes_text(incident->app_footprint)
                              : ", no reclaim in " + seconds_text(outcome.forecast);
  paper.line("verdict", word + when);
  if (!outcome.evictions.empty()) {
    const sim::Eviction& first = outcome.evictions.front();
    paper.line("evicted", paper.tinted(kRed, printable(pod_of(first.ranked.front())) + " at " + seconds_text(first.t) +
                                                 ", by the kubelet: " + bytes_text(first.available) +
                                                 " are available, its threshold is " + bytes_text(first.threshold)));
  }
  write_chance(chance, paper);
  if (const VerdictMargin margin = judge_margin(outcome, capture); margin.close())
    paper.line("close", "the verdict hangs on little: " + margin.why);
  if (outcome.halted)
    paper.line("halted", paper.tinted(kRed, "at " + seconds_text(outcome.halted->t)) +
                             ", where the forecast ends: " + halted_text(outcome));
  if (outcome.stall.memory_high_total.count() > 0)
    paper.line("throttled", duration_text(outcome.stall.memory_high_total) + " of " + duration_text(outcome.forecast) +
                                " asleep for memory.high (" +
                                percent_text(outcome.stall.memory_high_total.count(), outcome.forecast.count()) + ")");
}

/// What happened, a sentence a line. What decides stays, whatever else has to go.
void write_story(const nlohmann::ordered_json& report, SummaryPaper& paper) {
  bool first = true;
  for (const CourseSentence& sentence : course_of(report)) {
    paper.line(first ? "story" : "", printable(sentence.text), sentence.decides ? Rank::kMust : Rank::kUseful, 4);
    first = false;
  }
}

void write_stalls(const sim::Outcome& outcome, SummaryPaper& paper) {
  const sim::Stall& stall = outcome.stall;
  if ((stall.direct_reclaim_total + stall.swap_in_total + stall.throttled_total).count() == 0) return;
  paper.line("stalls",
             duration_text(stall.direct_reclaim_total) + " in direct reclaim, " + duration_text(stall.swap_in_total) +
                 " in swap-in, " + duration_text(stall.throttled_total) + " throttled; longest " +
                 duration_text(stall.longest),
             Rank::kUseful);
}

/// File systems in memory that were at least half full.
void write_mounts(const sim::Outcome& outcome, SummaryPaper& paper) {
  bool first = true;
  for (const sim::MemoryMount& mount : outcome.app.memory_mounts) {
    if (!mount.limit || mount.peak.count() * 2 < mount.limit->count()) continue;
    const bool full = mount.peak > *mount.limit;
    const std::string text = printable(mount.mount + (mount.service.empty() ? "" : " of " + mount.service)) +
                             ": peak " + bytes_text(mount.peak) + (full ? ", more than the " : " of the ") +
                             bytes_text(*mount.limit) + " that it holds";
    paper.line(first ? "tmpfs" : "", full ? paper.tinted(kRed, text) : text, full ? Rank::kMust : Rank::kUseful);
    first = false;
  }
}

void write_services(const sim::Outcome& outcome, SummaryPaper& paper) {
  constexpr size_t kShown = 6;
  const size_t shown = std::min(outcome.services.size(), kShown);
  for (size_t s = 0; s < shown; ++s) {
    const sim::ServiceOutcome& service = outcome.services[s];
    paper.line(s == 0 ? "services" : "", printable(service.name) + ": " + printable(service_text(service)),
               service.killed > 0 ? Rank::kMust : Rank::kUseful, 2);
  }
  if (outcome.services.size() > shown)
    paper.line("",
               count_text(static_cast<int64_t>(outcome.services.size() - shown)) + " more services are in the report",
               Rank::kUseful);
}

void write_capture(const sim::Outcome& outcome, const trace::CaptureSummary& capture, SummaryPaper& paper) {
  Bytes tracked(static_cast<int64_t>(capture.tracked_peak_bytes)), rss(static_cast<int64_t>(own_rss_bytes(capture)));
  const bool cut = outcome.app.whole_run_peak > outcome.app.footprint_peak;
  paper.line(
      "footprint",
      "peak " + bytes_text(outcome.app.footprint_peak) +
          (cut ? " until the kill, " + bytes_text(outcome.app.whole_run_peak) + " over the whole run here; " : ", ") +
          percent_text(outcome.app.footprint_peak.count(), to_bytes(outcome.host.total_ram).count()) +
          " of the host's " + bytes_text(to_bytes(outcome.host.total_ram)) + " RAM" +
          (outcome.app.locked_peak > Bytes(0) ? "; at most " + bytes_text(outcome.app.locked_peak) + " locked (mlock)"
                                              : ""));
  uint64_t lost = std::max(capture.lost_events, outcome.lost_events);
  if (!capture.cut.empty()) {
    paper.line("coverage", "not known: the recording's own summary is missing");
    return paper.line("program", "how it ended is not known");
  }
  const Compared compared = compare_with_kernel(capture);
  const std::string by_kernel = compared.ratio ? " of " + bytes_text(rss) + " RssAnon + RssShmem (" +
                                                     percent_text(tracked.count(), rss.count()) + "), "
                                               : ", not compared: " + compared.why + "; ";
  paper.line("coverage", (capture.tracker.empty() ? "none" : capture.tracker) + " saw " + bytes_text(tracked) +
                             by_kernel +
                             (lost ? count_text(static_cast<int64_t>(lost)) + " events lost" : "no events lost"));
  if (capture.attached_processes != 0)
    paper.line("attached", "to a running program: " + bytes_text(Bytes(static_cast<int64_t>(capture.attached_bytes))) +
                               " in " + count_text(static_cast<int64_t>(capture.attached_processes)) +
                               (capture.attached_processes == 1 ? " process" : " processes") +
                               " were there already and count as touched at second 0");
  if (capture.detached)
    paper.line("program", "let go of, it runs on; the forecast covers the time in which it was watched");
  else if (!capture.exited && capture.exit_signal)
    paper.line("program", paper.tinted(kRed, "ended by " + signal_text(capture.exit_signal)) +
                              " on this machine; the forecast covers the run up to then");
  else
    paper.line("program", "exit status " + std::to_string(capture.exit_code));
}

/// What the lines above do not say already.
void write_findings(const Findings& findings, SummaryPaper& paper) {
  for (const Finding& finding : findings) {
    bool said = finding.id == "oom_kill" || finding.id == "direct_reclaim" || finding.id == "alloc_refused" ||
                finding.id == "tmpfs_full" || finding.id == "program_died" || finding.id == "close_to_the_edge" ||
                finding.id == "tracking_not_available" || finding.id == "trace_cut" ||
                finding.id == "program_stopped" || finding.id == "services" || finding.id == "eviction" ||
                finding.id == "still_running";
    if (said) continue;
    const Rank rank = finding.severity == Severity::kError     ? Rank::kUseful
                      : finding.severity == Severity::kWarning ? Rank::kDetail
                                                               : Rank::kExtra;
    paper.line(severity_name(finding.severity), finding.title, rank, 2);
  }
}

/// Why suggestions that could have been simulated were not. Without a wish for proofs nothing is said about them.
void write_unreached_proofs(const Findings& findings, const nlohmann::ordered_json& report, SummaryPaper& paper) {
  const auto& proofs = report["proofs"];
  const auto say = [&](const std::string& what) { paper.line("proofs", what, Rank::kUseful, 2); };
  if (const auto& why = proofs["not_possible"]; why.is_string()) {
    if (why.get_ref<const std::string&>() != kNotAskedFor) say("none: " + why.get<std::string>());
    return;
  }
  if (proofs["left_out"].get<int>() == 0) return;
  for (const Finding& finding : findings)
    for (const Try& suggestion : finding.tries)
      if (suggestion.remedy.can_be_simulated() && !suggestion.proven)
        return say(proofs["left_out"].dump() + " of " + proofs["suggestions"].dump() +
                   " suggestions were not simulated: " + suggestion.not_simulated);
}

}  // namespace

std::string summary_text(const sim::Outcome& outcome, const trace::CaptureSummary& capture, const Findings& findings,
                         const nlohmann::ordered_json& report, const std::string& report_path, Look look,
                         const Chance& chance) {
  SummaryPaper paper(look);
  if (std::string incomplete = incomplete_text(capture); !incomplete.empty())
    paper.plain("oomcast: " + paper.tinted(kRed, "INCOMPLETE") + ": " + incomplete);
  paper.plain("oomcast: forecast for " + host_text(outcome.host));
  if (supported_verdict(outcome, capture)) {
    write_verdict(outcome, capture, chance, paper);
    write_story(report, paper);
    write_services(outcome, paper);
    write_stalls(outcome, paper);
    write_mounts(outcome, paper);
    write_free_memory(outcome, paper);
  } else {
    paper.line("verdict", paper.tinted(kRed, "WITHHELD") + ": " + judge_support(outcome, capture).why);
  }
  if (outcome.diverged)
    paper.line("diverged", "at " + seconds_text(outcome.diverged->t) + ": " + diverged_text(outcome), Rank::kUseful);
  if (!capture.extrapolated.empty()) paper.line("basis", "extrapolated: " + capture.extrapolated);
  write_capture(outcome, capture, paper);
  write_sites(outcome, capture, paper);
  write_findings(findings, paper);
  write_tries(findings, paper);
  write_unreached_proofs(findings, report, paper);
  return paper.text("report", report_path);
}

}  // namespace oomcast::report
