// Writes what a tired on-call engineer reads. At most 25 lines: verdict, the story, what helps, and how far to believe
// it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "report/chance.h"
#include "report/findings.h"
#include "report/terminal/summary_paper.h"

namespace oomcast::report {

/// Why nothing is proven with --prove 0.
inline constexpr const char* kNotAskedFor = "not asked for (--prove 0)";

/// `report`: the JSON of the same outcome, whose story it is. `report_path`: where the JSON lies, for the last line.
/// `look`: what the terminal takes.
std::string summary_text(const sim::Outcome& outcome, const trace::CaptureSummary& capture, const Findings& findings,
                         const nlohmann::ordered_json& report, const std::string& report_path, Look look,
                         const Chance& chance = {});

}  // namespace oomcast::report
