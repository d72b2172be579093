// Writes a report in the forms that other tools read. Each function is pure: it takes a view of the report and returns
// the file's content.
#pragma once

#include <string>

#include "report/export/report_view.h"

namespace oomcast::report {

/// Which bytes of a site count: those resident at the site's peak, or all that were touched.
enum class SiteBytes { kResident, kTouched };

/// Brendan Gregg's folded stacks, for flamegraph.pl and speedscope: "main;serve;malloc 4096", outermost frame first,
/// functions without their lines. A site without a stack is one frame with the name of its kind: "[heap]".
std::string folded_stacks(const ReportView& view, SiteBytes bytes);
/// A speedscope file with two profiles: resident bytes and touched bytes.
std::string speedscope_json(const ReportView& view);
/// A gzipped perftools.profiles.Profile (profile.proto) with the sample types resident/bytes and touched/bytes. The
/// label "kind" holds the kind of memory. The same report gives the same bytes.
std::string pprof_profile(const ReportView& view);
/// Chrome's trace event format, for ui.perfetto.dev and chrome://tracing: a counter track per quantity of the timeline,
/// an instant per incident, a slice for the time after the divergence.
std::string chrome_trace_json(const ReportView& view);
/// OpenMetrics text: gauges of the headline numbers, counters named as in /proc/vmstat, and the heaviest sites.
std::string openmetrics_text(const ReportView& view, const FinishedReport& report);
/// The timeline as CSV (RFC 4180, but with LF): a header, one row per moment, an empty field for an unknown value.
std::string timeline_csv(const ReportView& view);

/// Returns a number as JSON writes it: 3 instead of 3.0, else the shortest text that reads back as the same value.
std::string number_text(double value);

}  // namespace oomcast::report
