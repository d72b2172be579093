// Reads the memory limits of the services of a Compose file.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace YAML {
class Node;
}

namespace oomcast::report {

struct ComposeService {
  std::string name;
  std::vector<std::string> cgroup;  // as --cgroup takes them
  std::vector<std::string> tmpfs;   // as --tmpfs takes them: what Docker mounts into the container
  std::optional<int> oom_score_adj;
  std::vector<std::string> assumed;
  bool limited = false;  // it says something of memory
  std::string error;     // what is wrong of it; empty: nothing
};

/// Follows "extends", and puts in variables from the environment or the .env beside `path`. Services that cannot be
/// read have an error of their own: another one may be wanted. Empty if the document is no Compose file.
std::vector<ComposeService> services_in(const YAML::Node& document, const std::string& path);

}  // namespace oomcast::report
