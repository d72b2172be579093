// Takes values out of a report that was read from disk. report_shape.h has checked their types before.
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <string>

namespace oomcast::report {

/// Returns the value of `key`; null if there is none, as in reports of older versions. `Json`: nlohmann's, ordered or
/// not.
template <class Json>
const Json& child(const Json& parent, const std::string& key) {
  static const Json kNull;
  if (!parent.is_object()) return kNull;
  auto found = parent.find(key);
  return found == parent.end() ? kNull : *found;
}

template <class Value, class Json>
Value value_or(const Json& parent, const std::string& key, Value otherwise) {
  const Json& found = child(parent, key);
  return found.is_null() ? otherwise : found.template get<Value>();
}

/// Keys of the report's `first`.
inline constexpr std::array kFirstIncidents = {"kswapd_wake", "kswapd_scan",   "direct_reclaim",
                                               "swap_out",    "alloc_refused", "oom_kill"};

/// Returns the key of `first` that the verdict is about; empty for "fits" and for a withheld verdict.
template <class Json>
std::string decisive_incident(const Json& report) {
  const Json& verdict = child(report, "verdict");
  const std::string word = verdict.is_string() ? verdict.template get<std::string>() : "";
  if (word == "background_reclaim") return "kswapd_scan";
  return word == "fits" ? "" : word;
}

}  // namespace oomcast::report
