// Writes a report in the forms that other tools read. Each function is pure: a view in, a text (or bytes) out.
#pragma once

#include <string>

#include "report/export/report_view.h"

namespace oomcast::report {

/// Which bytes of a site count: those resident at the site's peak, or all that were touched.
enum class SiteBytes { kResident, kTouched };

/// Brendan Gregg's folded stacks: "main;serve;malloc 4096", outermost first, functions without their lines;
/// flamegraph.pl and speedscope read it. What has no stack is one frame with the name of its kind: "[heap]".
std::string folded_stacks(const ReportView& view, SiteBytes bytes);
/// A speedscope file with two profiles: resident and touched bytes.
std::string speedscope_json(const ReportView& view);
/// perftools.profiles.Profile (profile.proto), gzipped: sample types resident/bytes and touched/bytes, the kind of the
/// memory as the label "kind". The same report gives the same bytes.
std::string pprof_profile(const ReportView& view);
/// Chrome's trace event format, which ui.perfetto.dev and chrome://tracing read: a counter track per quantity of the
/// timeline, incidents as instants, what comes after divergence as a slice.
std::string chrome_trace_json(const ReportView& view);
/// OpenMetrics text: gauges of the headline numbers, counters under their names in /proc/vmstat, the heaviest sites.
std::string openmetrics_text(const ReportView& view, const FinishedReport& report);
/// The timeline, RFC 4180 with lines that end as on Unix: a header, a row per moment, an empty field for what is not
/// known.
std::string timeline_csv(const ReportView& view);

/// A number as JSON writes it: 3 instead of 3.000000, and the shortest text that reads back the same.
std::string number_text(double value);

}  // namespace oomcast::report
