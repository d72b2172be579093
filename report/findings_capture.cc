// Findings about how far the forecast can be trusted: what was not seen, what was assumed, and how the run ended.
#include <algorithm>

#include "report/coverage.h"
#include "report/findings.h"
#include "report/present_host.h"
#include "report/words/format.h"

namespace oomcast::report {
namespace {

/// "zones, vm and 3 more": of each entry the part before the colon.
std::string fields_text(const std::vector<std::string>& assumed) {
  constexpr size_t kNamed = 5;
  std::vector<std::string> fields;
  for (const std::string& one : assumed) fields.push_back(one.substr(0, one.find(':')));
  return list_text(fields, kNamed);
}

}  // namespace

void find_incomplete(const sim::Outcome&, const trace::CaptureSummary& capture, Findings& findings) {
  if (!capture.cut.empty()) {
    Finding finding{"trace_cut", Severity::kError};
    finding.title = "The trace ends before the run did";
    finding.why = capture.cut;
    finding.evidence["events"] = capture.events;
    finding.tries.push_back({"record it again, with room for the trace"});
    findings.push_back(std::move(finding));
  }
  if (!capture.stopped.empty()) {
    Finding finding{"program_stopped", Severity::kError};
    finding.title = "The program was stopped for lack of memory on this machine";
    finding.why = capture.stopped;
    finding.tries.push_back(
        {"run it where it fits: on a larger machine or in a larger cgroup, or a smaller case of it"});
    findings.push_back(std::move(finding));
  }
  if (capture.still_running.empty()) return;
  Finding finding{"still_running", Severity::kWarning};
  const size_t running = capture.still_running.size();
  finding.title = running == 1 ? "A process of the program was still running"
                               : std::to_string(running) + " processes of the program were still running";
  finding.why =
      "the forecast ends when the program's first process ends; memory that the others used after that is not in it";
  finding.evidence["still_running"] = capture.still_running;
  finding.tries.push_back(
      {"run it with --wait, and end it with Ctrl-C or SIGTERM to oomcast; or in the foreground (nginx: "
       "'daemon off;')"});
  findings.push_back(std::move(finding));
}

void find_tracking(const sim::Outcome& outcome, const trace::CaptureSummary& capture, Findings& findings) {
  Support support = judge_support(outcome, capture);
  if (!capture.cut.empty() || !capture.stopped.empty()) {
    // find_incomplete() has said it. After a cut trace it is not known how well the program was seen.
  } else if (support.level == Support::Level::kWithheld) {
    Finding finding{"tracking_not_available", Severity::kError};
    finding.title = "No forecast: the program's memory was not seen";
    finding.why = support.why;
    finding.evidence = {{"tracker", capture.tracker},
                        {"tracked_bytes", capture.tracked_peak_bytes},
                        {"rss_bytes", capture.rss_peak_bytes}};
    finding.tries.push_back({"`oomcast doctor`: it names the command that allows tracking here"});
    findings.push_back(std::move(finding));
  } else if (support.level == Support::Level::kLow) {
    Finding finding{"low_coverage", Severity::kWarning};
    finding.title =
        "Tracking saw only " +
        percent_text(static_cast<int64_t>(capture.tracked_peak_bytes), static_cast<int64_t>(own_rss_bytes(capture))) +
        " of the program's resident memory";
    finding.why = support.why;
    finding.evidence = {{"tracked_bytes", capture.tracked_peak_bytes}, {"rss_bytes", capture.rss_peak_bytes}};
    findings.push_back(std::move(finding));
  }
  uint64_t lost = std::max(capture.lost_events, outcome.lost_events);
  if (lost == 0) return;
  Finding finding{"lost_events", Severity::kWarning};
  finding.title = count_text(static_cast<int64_t>(lost)) + " events were lost";
  finding.why =
      "the program was faster than the recorder and the ring was full; what it mapped or freed then is found later or "
      "not at all";
  finding.evidence = {{"lost_events", lost}, {"events", capture.events}};
  findings.push_back(std::move(finding));
}

void find_guest_end(const sim::Outcome&, const trace::CaptureSummary& capture, Findings& findings) {
  if (capture.exited || capture.exit_signal == 0) return;
  Finding finding{"program_died", Severity::kWarning};
  finding.title = "The program itself was ended by " + signal_text(capture.exit_signal) + " on this machine";
  finding.why = "the forecast covers the run up to that moment only";
  finding.evidence = {{"signal", capture.exit_signal}};
  findings.push_back(std::move(finding));
}

namespace {

constexpr const char* kCgroupLimits = "memory limits in /sys/fs/cgroup";  // the recorder's name for this question

/// Whether every question was answered as the target would answer.
bool shown_all(const sim::Outcome& outcome, const trace::CaptureSummary& capture) {
  const bool host = capture.presented_host == outcome.host.name;
  const bool cgroup = !capture.presented_cgroup.empty() && capture.presented_cgroup == cgroup_limits_text(outcome.host);
  return std::all_of(capture.host_sensitive.begin(), capture.host_sensitive.end(), [&](const std::string& asked) {
    return asked == kCgroupLimits ? cgroup || (host && !outcome.host.cgroup.present) : host;
  });
}

bool asked_only_for_cgroup(const trace::CaptureSummary& capture) {
  return std::all_of(capture.host_sensitive.begin(), capture.host_sensitive.end(),
                     [](const std::string& asked) { return asked == kCgroupLimits; });
}

Finding was_shown(const trace::CaptureSummary& capture) {
  Finding finding{"host_sensitive", Severity::kInfo};
  if (asked_only_for_cgroup(capture)) {
    finding.title = "The program asked for the limits of its cgroup, and was shown " + capture.presented_cgroup;
    finding.why = "--cgroup shows a program these limits; with --no-present-cgroup it sees those of this machine";
  } else {
    finding.title = "The program asked its machine for its size, and was shown that of " + capture.presented_host;
    finding.why =
        "--present-host changes the answers of libc; a program that asks the kernel directly was shown this machine";
  }
  return finding;
}

}  // namespace

void find_host_sensitive(const sim::Outcome& outcome, const trace::CaptureSummary& capture, Findings& findings) {
  if (capture.host_sensitive.empty()) return;
  Finding finding{"host_sensitive", Severity::kWarning};
  const std::string asked = capture.presented_host.empty() ? "this machine" : capture.presented_host;
  if (shown_all(outcome, capture)) {
    finding = was_shown(capture);
  } else if (asked_only_for_cgroup(capture)) {
    finding.title =
        "The verdict depends on this: the program asked for the limits of its cgroup, and was shown other limits than "
        "the target's";
    finding.why = "it was shown " + (capture.presented_cgroup.empty() ? "this machine's" : capture.presented_cgroup) +
                  "; the target has " + (outcome.host.cgroup.present ? cgroup_limits_text(outcome.host) : "none");
    finding.tries.push_back({"run it with --cgroup, as on the target, and without --no-present-cgroup"});
  } else {
    finding.title = "The program asked " + (capture.presented_host.empty() ? asked : "its machine") +
                    " for its size, and may have sized itself by it";
    finding.why = "the answers were those of " + asked + ", not of " + outcome.host.name;
    finding.tries.push_back(
        {"run it with --present-host: it is then shown the target's memory, CPUs and cgroup limits"});
    finding.tries.push_back(
        {"set the program's own size options (heap, buffer pool, workers) to what it would choose on the target"});
  }
  finding.evidence["asked"] = capture.host_sensitive;
  findings.push_back(std::move(finding));
}

void find_assumed(const sim::Outcome& outcome, const trace::CaptureSummary&, Findings& findings) {
  const auto& assumed = outcome.host.assumed;
  if (assumed.empty()) return;
  Finding finding{"host_assumed", Severity::kInfo};
  finding.title = std::to_string(assumed.size()) +
                  (assumed.size() == 1 ? " field of the host was assumed: " : " fields of the host were assumed: ") +
                  fields_text(assumed);
  finding.why = "the host description does not give them; documented defaults were taken";
  finding.evidence["assumed"] = assumed;
  finding.tries.push_back({"`oomcast host capture DIR` on the target, then --host DIR"});
  findings.push_back(std::move(finding));
}

}  // namespace oomcast::report
