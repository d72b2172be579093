// A row of a sweep as JSON and back, without rounding.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "report/sweep.h"

namespace oomcast::report {

/// The row, without on_the_edge.
nlohmann::ordered_json row_json(const SweepRow& row);

/// Nothing if a key is missing or has another type.
std::optional<SweepRow> row_from(const nlohmann::ordered_json& json);

}  // namespace oomcast::report
