// Takes values out of a report that was read from disk; their types were checked by then (report_shape.h).
#pragma once

#include <array>
#include <nlohmann/json.hpp>
#include <string>

namespace oomcast::report {

/// Null where there is no such key: reports of older versions lack keys. `Json`: nlohmann's, ordered or not.
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

/// Keys of `first`.
inline constexpr std::array kFirstIncidents = {"kswapd_wake", "kswapd_scan",   "direct_reclaim",
                                               "swap_out",    "alloc_refused", "oom_kill"};

/// The key of `first` that the verdict is about; empty for "fits" and where none is given.
template <class Json>
std::string decisive_incident(const Json& report) {
  const Json& verdict = child(report, "verdict");
  const std::string word = verdict.is_string() ? verdict.template get<std::string>() : "";
  if (word == "background_reclaim") return "kswapd_scan";
  return word == "fits" ? "" : word;
}

}  // namespace oomcast::report
