// Takes values out of a YAML document of any shape, and words the error for a text that is not YAML.
#pragma once

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <string>

#include "report/terminal/terminal_text.h"

namespace oomcast::report {

/// Returns the value of `key`; Undefined if `node` is not a map or has no such key.
inline YAML::Node value_at(const YAML::Node& node, const std::string& key) {
  return node.IsMap() ? node[key] : YAML::Node(YAML::NodeType::Undefined);
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
