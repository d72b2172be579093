// Takes values out of a YAML document of any shape, and words the error for a text that is not YAML.
#pragma once

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "report/terminal/terminal_text.h"

namespace oomcast::report {

/// Returns the value of `key`; Undefined if `node` is not a map or has no such key. What a map merges in ("<<: *base",
/// "<<: [*a, *b]") counts as its own; yaml-cpp leaves that to us.
inline YAML::Node value_at(const YAML::Node& node, const std::string& key) {
  constexpr int kMostMerged = 16;  // an alias may stand within its own anchor
  YAML::Node at = node;
  for (int depth = 0; at.IsMap() && depth < kMostMerged; ++depth) {
    const YAML::Node& map = at;
    if (const YAML::Node own = map[key]) return own;
    const YAML::Node merged = map["<<"];
    if (!merged) break;
    if (merged.IsSequence())
      for (const YAML::Node& each : merged)
        if (const YAML::Node& base = each; base.IsMap() && base[key]) return base[key];
    at.reset(merged);
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

/// Keys and values of a map, with those that it merges in and does not have itself. What cannot be merged stays "<<".
inline std::vector<std::pair<YAML::Node, YAML::Node>> merged_entries(const YAML::Node& map, int depth = 0) {
  constexpr int kMostMerged = 16;
  std::vector<std::pair<YAML::Node, YAML::Node>> found, merged;
  for (const auto& pair : map) {
    const bool merges = pair.first.IsScalar() && pair.first.Scalar() == "<<" && depth < kMostMerged;
    const auto add = [&](const YAML::Node& base) {
      for (auto& entry : merged_entries(base, depth + 1)) merged.push_back(std::move(entry));
    };
    if (merges && pair.second.IsMap())
      add(pair.second);
    else if (merges && pair.second.IsSequence())
      for (const YAML::Node& base : pair.second)
        if (base.IsMap())
          add(base);
        else
          found.emplace_back(pair.first, base);
    else
      found.emplace_back(pair.first, pair.second);
  }
  for (auto& entry : merged) {
    const auto same = [&](const auto& own) {
      return own.first.IsScalar() && own.first.Scalar() == entry.first.Scalar();
    };
    if (entry.first.IsScalar() && std::none_of(found.begin(), found.end(), same)) found.push_back(std::move(entry));
  }
  return found;
}

/// Returns the value at the end of a path of keys; Undefined where the path breaks off.
template <class... Keys>
YAML::Node value_at(const YAML::Node& node, const std::string& key, const Keys&... rest) {
  const YAML::Node found = value_at(node, key);
  return found ? value_at(found, rest...) : found;
}

/// Returns "FILE:LINE: not YAML: what the parser says".
inline std::string not_yaml_text(const std::string& path, const YAML::Exception& error) {
  return path + ":" + std::to_string(std::max(1, error.mark.line + 1)) + ": not YAML: " + printable(error.msg);
}

}  // namespace oomcast::report
