// Reads a finished report and finds numbers in it by key.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/base/result.h"

namespace oomcast::report {

/// A report on disk: the document, and its path for messages.
struct FinishedReport {
  std::string path;
  nlohmann::json document;
};

/// Errors: not readable, larger than 1 GiB, not JSON, not `oomcast.report.v1`, damaged.
Result<FinishedReport> read_finished_report(const std::string& path);
/// The same from text.
Result<FinishedReport> parse_finished_report(const std::string& text, const std::string& path);

/// The value of a key in a report.
struct ReportValue {
  bool known_key = false;        // false: the report has no such key
  std::optional<double> number;  // absent: null in the report (not computed, withheld, or it never happened)
};

/// The value of a dotted key ("app.footprint_peak_bytes", "counters.memcg.memory.peak"). Some keys are computed:
/// `stall_ns_total` (all waits), `margin_to_low_bytes` and `margin_to_low_percent` (the least distance of a node's free
/// memory to its low watermark; negative below it), and `verdict` as its rank from 0 (fits) to 4 (oom_kill). true is 1,
/// false is 0.
ReportValue value_of(const FinishedReport& report, const std::string& key);

/// Bytes resident at the peak (or touched), summed over the sites with a frame that contains `text`.
double site_bytes(const FinishedReport& report, const std::string& text, bool touched);

/// The keys of all numbers in a report, for "did you mean".
std::vector<std::string> number_keys(const FinishedReport& report);

/// 0 for "fits" to 4 for "oom_kill"; nothing if the word is no verdict.
std::optional<int> verdict_rank(const std::string& name);

/// A value in the unit that its key implies: "381.5 MiB", "0.14 ms", "direct_reclaim", "1,203".
std::string value_text(const std::string& key, double value);
/// Parses a value in the unit that the key implies: "400M" for `_bytes`, "5ms" for `_ns`, a verdict's name, "12%".
std::optional<double> parse_value(const std::string& key, const std::string& text);

}  // namespace oomcast::report
