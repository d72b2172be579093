// Reads a finished report and finds numbers in it by their key.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/base/result.h"

namespace oomcast::report {

/// A report on disk: the whole document, and the path for messages.
struct FinishedReport {
  std::string path;
  nlohmann::json document;
};

/// Errors: not readable, not JSON, not an `oomcast.report.v1`, larger than 1 GiB.
Result<FinishedReport> read_finished_report(const std::string& path);
/// The same from text that was read already.
Result<FinishedReport> parse_finished_report(const std::string& text, const std::string& path);

/// What a report says under a key.
struct ReportValue {
  bool known_key = false;        // false: no such key in the report
  std::optional<double> number;  // absent: the report says null (not computed, withheld, or it never happened)
};

/// The value under a dotted key ("app.footprint_peak_bytes", "counters.memcg.memory.peak"). Beside the keys of the
/// report these are computed: `stall_ns_total` (all waits), `margin_to_low_bytes` and `margin_to_low_percent` (the
/// least distance that a node's free memory kept above its low watermark; negative below it), and `verdict` as its
/// rank from 0 (fits) to 4 (oom_kill). True is 1, false is 0.
ReportValue value_of(const FinishedReport& report, const std::string& key);

/// Resident bytes at the peak of all sites one of whose frames contains `text`; `touched` asks for bytes touched.
double site_bytes(const FinishedReport& report, const std::string& text, bool touched);

/// All keys of numbers in a report, for "did you mean".
std::vector<std::string> number_keys(const FinishedReport& report);

/// "fits" is 0, "oom_kill" is 4; nothing for a word that is no verdict.
std::optional<int> verdict_rank(const std::string& name);

/// A value in the unit that its key names: "381.5 MiB", "0.14 ms", "direct_reclaim", "1,203".
std::string value_text(const std::string& key, double value);
/// Reads a value in the unit that the key names: "400M" for `_bytes`, "5ms" for `_ns`, a verdict's name, "12%".
std::optional<double> parse_value(const std::string& key, const std::string& text);

}  // namespace oomcast::report
