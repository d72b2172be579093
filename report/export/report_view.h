// Reads the sites, incidents and timeline that the exports need out of a finished report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/base/result.h"
#include "report/gates/finished_report.h"

namespace oomcast::report {

/// One frame of a stack: "serve at server.c:9 (inlined)" has a file and a line; "libc.so.6+0x123" has neither.
struct FrameView {
  std::string function, file;
  int64_t line = 0;
};
FrameView frame_of(const std::string& frame);

struct SiteView {
  std::string kind;                // heap, mmap, stack, shared, file, text, unsampled
  std::vector<std::string> stack;  // innermost frame first; empty: the memory of the kind that no stack stands for
  int64_t touched_bytes = 0, resident_bytes_peak = 0;
};

struct IncidentView {
  std::string name;  // key below `first`; "oom_kill" for each OOM kill
  double t_s = 0;
  int64_t pid = 0;
  std::string comm, scope, why;
  std::vector<std::string> stack;
  bool after_divergence = false;
};

struct SeriesView {
  std::string key;                            // key below `timeline`: "dirty_bytes", "node_free_bytes.node0"
  std::vector<std::optional<double>> values;  // one per moment of t_s; absent: null in the report
};

struct ReportView {
  std::vector<std::string> command;
  std::string host, kernel;
  std::optional<std::string> verdict;
  double forecast_s = 0;
  std::optional<double> diverged_at_s;
  std::string diverged_why;
  std::vector<SiteView> sites;
  std::vector<IncidentView> incidents;  // by time: the first incident of each kind, and every OOM kill
  std::vector<double> t_s;
  std::vector<SeriesView> series;  // free memory of the nodes first, then in the order of the report
};

/// Errors: a null among the timeline's times, times that go back, a column of another length.
Result<ReportView> view_of(const FinishedReport& report);

/// Returns the command's words, joined by blanks.
std::string command_text(const ReportView& view);

}  // namespace oomcast::report
