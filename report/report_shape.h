// Checks that a document read from disk has the shape of a report, before anybody takes values from it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace oomcast::report {

/// The first value whose type is not the one that the report's JSON Schema gives it ("timeline.t_s[3] is a string, not
/// a number or null"); empty if there is none. Keys that are missing or unknown are no fault: reports of other versions
/// stay readable.
std::string shape_problem(const nlohmann::json& document);

}  // namespace oomcast::report
