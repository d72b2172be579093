// Prepares the part of a report that a page carries: all that is shown, within a size that a browser opens at once.
#pragma once

#include <nlohmann/json.hpp>

namespace oomcast::report {

/// The same keys as the report, and `frames[]`: `sites[].stack` holds indices into it, since stacks share most frames.
/// What is cut is counted beside what is left: `oom_kills[].candidates_total`, `oom_kills[].dmesg_total`,
/// `app.processes_left_out`. A column of the timeline that is longer than kTimelineRowsMost keeps every n-th row.
nlohmann::ordered_json page_data(nlohmann::ordered_json report);

inline constexpr size_t kTimelineRowsMost = 4000;
inline constexpr size_t kFrameCharsMost = 400;  // C++ templates make names of many kilobytes

}  // namespace oomcast::report
