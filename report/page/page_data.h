// The data of a page: a report, shortened to a size that a browser opens at once.
#pragma once

#include <nlohmann/json.hpp>

namespace oomcast::report {

/// The keys of the report, and `frames[]`: `sites[].stack` holds indices into it, since stacks share most frames.
/// Removed entries are counted in `oom_kills[].candidates_total`, `oom_kills[].dmesg_total` and
/// `app.processes_left_out`. A timeline of more than kTimelineRowsMost rows keeps every n-th row.
nlohmann::ordered_json page_data(nlohmann::ordered_json report);

inline constexpr size_t kTimelineRowsMost = 4000;
inline constexpr size_t kFrameCharsMost = 400;  // C++ templates make names of many kilobytes

}  // namespace oomcast::report
