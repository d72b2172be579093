// Takes values out of a report that was read from disk; their types were checked by then (report_shape.h).
#pragma once

#include <nlohmann/json.hpp>

namespace oomcast::report {

/// Null where there is no such key: reports of older versions lack keys.
inline const nlohmann::json& child(const nlohmann::json& parent, const std::string& key) {
  static const nlohmann::json kNull;
  if (!parent.is_object()) return kNull;
  auto found = parent.find(key);
  return found == parent.end() ? kNull : *found;
}

template <class Value>
Value value_or(const nlohmann::json& parent, const std::string& key, Value otherwise) {
  const nlohmann::json& found = child(parent, key);
  return found.is_null() ? otherwise : found.get<Value>();
}

}  // namespace oomcast::report
