// Writes the summary for an on-call engineer, at most 25 lines: verdict, story, what helps, and how far to trust the
// forecast.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "report/chance.h"
#include "report/findings.h"
#include "report/terminal/summary_paper.h"

namespace oomcast::report {

/// The reason that no suggestion is proven with --prove 0.
inline constexpr const char* kNotAskedFor = "not asked for (--prove 0)";

/// `report`: the JSON of the same outcome; its story is told. `report_path`: the place of the JSON, for the last line.
/// `look`: what the terminal can show.
std::string summary_text(const sim::Outcome& outcome, const trace::CaptureSummary& capture, const Findings& findings,
                         const nlohmann::ordered_json& report, const std::string& report_path, Look look,
                         const Chance& chance = {});

}  // namespace oomcast::report
