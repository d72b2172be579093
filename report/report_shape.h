// Checks that a document read from disk has the shape of a report, before values are taken from it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace oomcast::report {

/// Returns the first value whose type differs from the report's JSON Schema, as a clause ("timeline.t_s[3] is of type
/// string, not null or number"); empty if all types fit. A missing or unknown key is no error, so that reports of other
/// versions stay readable.
std::string shape_problem(const nlohmann::json& document);

}  // namespace oomcast::report
