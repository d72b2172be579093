// Writes a row of a sweep as JSON and reads it back, nothing rounded.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "report/sweep.h"

namespace oomcast::report {

/// All of the row but on_the_edge.
nlohmann::ordered_json row_json(const SweepRow& row);

/// Nothing: a key is missing or not of its type.
std::optional<SweepRow> row_from(const nlohmann::ordered_json& json);

}  // namespace oomcast::report
