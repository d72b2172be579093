// Writes the manifest of a Kubernetes Indexed Job that runs the parts of a sweep.
#pragma once

#include <string>
#include <vector>

namespace oomcast::report {

struct KubernetesJob {
  std::string name;                // of the job: lower case letters, digits and '-'
  std::string image;               // with oomcast and a shell in it
  std::string working_directory;   // where the claim is mounted: relative paths of `words` are below it
  std::vector<std::string> words;  // the command of a part, kPartWord in place of its number
  size_t parts = 1;
  int cpus = 1;
};

/// YAML with comments that say what else is to be adapted.
std::string kubernetes_manifest(const KubernetesJob& job);

}  // namespace oomcast::report
