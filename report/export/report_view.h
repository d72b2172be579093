// Reads out of a finished report what the exports need: sites, incidents and the timeline, as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/base/result.h"
#include "report/gates/finished_report.h"

namespace oomcast::report {

/// One frame of a stack: "serve at server.c:9 (inlined)" has a file and a line, "libc.so.6+0x123" has neither.
struct FrameView {
  std::string function, file;
  int64_t line = 0;
};
FrameView frame_of(const std::string& frame);

struct SiteView {
  std::string kind;                // heap, mmap, stack, shared, file, text, unsampled
  std::vector<std::string> stack;  // innermost first; empty: the rest of its kind
  int64_t touched_bytes = 0, resident_bytes_peak = 0;
};

struct IncidentView {
  std::string name;  // the key below `first`, or "oom_kill" for each kill
  double t_s = 0;
  int64_t pid = 0;
  std::string comm, scope, why;
  std::vector<std::string> stack;
  bool after_divergence = false;
};

struct SeriesView {
  std::string key;                            // as below `timeline`: "dirty_bytes", "node_free_bytes.node0"
  std::vector<std::optional<double>> values;  // one per moment
};

struct ReportView {
  std::vector<std::string> command;
  std::string host, kernel;
  std::optional<std::string> verdict;
  double forecast_s = 0;
  std::optional<double> diverged_at_s;
  std::string diverged_why;
  std::vector<SiteView> sites;
  std::vector<IncidentView> incidents;  // by time: the first of each kind, and every kill
  std::vector<double> t_s;
  std::vector<SeriesView> series;  // the nodes' free memory first, then by key
};

/// Errors: columns of the timeline that are not of equal length, times that go back.
Result<ReportView> view_of(const FinishedReport& report);

/// The command as one line.
std::string command_text(const ReportView& view);

}  // namespace oomcast::report
