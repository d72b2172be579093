// The manifest of a Kubernetes Indexed Job that runs the parts of a sweep.
#pragma once

#include <string>
#include <vector>

namespace oomcast::report {

struct KubernetesJob {
  std::string name;                // of the job: lower-case letters, digits and '-'
  std::string image;               // an image with oomcast and a shell
  std::string working_directory;   // mount point of the volume claim; relative paths in `words` are below it
  std::vector<std::string> words;  // the command of a part, with kPartWord for its number
  size_t parts = 1;
  int cpus = 1;
};

/// YAML, with comments about what else to adapt.
std::string kubernetes_manifest(const KubernetesJob& job);

}  // namespace oomcast::report
