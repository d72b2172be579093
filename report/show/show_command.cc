// The verb `show`: its options, and the messages about what a report does not have.
#include "report/show/show_command.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <set>

#include "report/command_line.h"
#include "report/console.h"
#include "report/report_values.h"
#include "report/show/kernel_files.h"
#include "report/show/moment_summary.h"

namespace oomcast::report {
namespace {

constexpr int kNotHeld = 1;
constexpr size_t kRowsAround = 8;

constexpr const char* kExamples =
    R"(Moments: start, end, peak (of the footprint), an incident (kswapd_wake, kswapd_scan, direct_reclaim, swap_out,
alloc_refused, oom_kill, oom_kill:2, ...), or a time of the forecast: 12.5s, 900ms.
Forms: summary, sites, dmesg, sar, vmstat, zoneinfo, meminfo, psi.

Examples:
  oomcast show r.json                                what the verdict is about
  oomcast show r.json --as dmesg                     what the kernel's log says of each OOM kill
  oomcast show r.json --at direct_reclaim --as zoneinfo
  oomcast show r.json --as sar                       the whole run; with --at: around a moment
  oomcast show r.json --at 12.5s --as meminfo

Exit status: 0 shown, 1 the report does not hold it, 2 bad input.)";

/// To stderr: other programs may read stdout.
void note(const std::string& what) { std::fprintf(stderr, "oomcast: show: %s\n", what.c_str()); }

int not_held(const FinishedReport& report, const ShownMoment& moment, const std::string& what) {
  const nlohmann::json& moments = child(report.document, "moments");
  return fail(kNotHeld, "show: " + report.path + " does not hold " + what + " at " + moment.name +
                            (moments.empty() ? ": it was written by an older oomcast; write the report again"
                                             : "; --at takes a moment at which it does: " + moments_text(report)));
}

int show_dmesg(const FinishedReport& report, const ShownMoment& moment, bool asked) {
  std::string text;
  if (asked && moment.kill != nullptr) text = dmesg_text(*moment.kill);
  if (!asked)
    for (const nlohmann::json& kill : child(report.document, "oom_kills")) text += dmesg_text(kill);
  if (text.empty())
    note("the report holds no lines of the kernel's log" + (asked ? " at " + moment.name : "") +
         ": it holds those of OOM kills");
  return print(text);
}

int show_counters(const FinishedReport& report, const ShownMoment& moment) {
  const std::string text = vmstat_text(moment);
  if (text.empty()) return not_held(report, moment, "the counters");
  note("events are counted from the start of the run");
  return print(text);
}

int show_state(const FinishedReport& report, const ShownMoment& moment, const std::string& text,
               const std::string& what) {
  return text.empty() ? not_held(report, moment, what) : print(text);
}

int show_meminfo(const FinishedReport& report, const ShownMoment& moment) {
  if (moment.state == nullptr && moment.row)
    note("from the timeline at " + child(child(report.document, "timeline"), "t_s")[*moment.row].dump() +
         " s; fields that it does not have are left out");
  return show_state(report, moment, meminfo_text(report, moment), "the amounts of memory");
}

void add_options(CLI::App& app, CommandLine& line) {
  ShowOptions& options = line.show;
  app.footer(kExamples);
  app.add_option("REPORT", options.report, "A report that 'oomcast run' or 'oomcast replay' has written")->required();
  app.add_option("--at", options.at,
                 "A moment: an incident, start, end, peak, or a time such as 12.5s (default: the verdict's)")
      ->type_name("MOMENT");
  app.add_option("--as", options.as, "summary (default), sites, dmesg, sar, vmstat, zoneinfo, meminfo or psi")
      ->type_name("FORM")
      ->check(CLI::IsMember(
          std::set<std::string>{"summary", "sites", "dmesg", "sar", "vmstat", "zoneinfo", "meminfo", "psi"}));
}

/// 0: shown; 1: the report does not have it; 2: bad input.
int show(const CommandLine& line) {
  const ShowOptions& options = line.show;
  auto read = read_finished_report(options.report);
  if (!read) return fail(kExitUsage, "show: " + read.error().message);
  const FinishedReport& report = read.value();
  auto found = find_moment(report, options.at);
  if (!found) return fail(kExitUsage, "show: " + found.error().message);
  const ShownMoment& moment = found.value();
  const bool asked = !options.at.empty();
  if (options.as == "dmesg") return show_dmesg(report, moment, asked);
  if (options.as == "vmstat") return show_counters(report, moment);
  if (options.as == "meminfo") return show_meminfo(report, moment);
  if (options.as == "zoneinfo") return show_state(report, moment, zoneinfo_text(moment), "the zones");
  if (options.as == "psi") return show_state(report, moment, psi_text(moment), "the pressure lines");
  if (options.as == "sar")
    return show_state(report, moment, sar_text(report, moment, asked ? std::optional(kRowsAround) : std::nullopt),
                      "a timeline");
  if (options.as == "summary") return print(moment_summary(report, moment));
  if (asked && !holds_sites(report, moment))
    note("the report holds what each site held at its own peak, not at " + moment.name);
  return show_state(report, moment, sites_text(report, moment), "sites");
}

}  // namespace

constinit const Verb kShowVerb = {
    .name = "show",
    .about = "The kernel's own words at any moment of a report",
    .add_options = add_options,
    .command = show,
};

}  // namespace oomcast::report
