// Options of a sweep that runs in parts, or over many hosts.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace oomcast::report {

struct FleetOptions {
  std::string parts;                    // the folder of part files; empty: the whole sweep runs here
  std::string part;                     // "K/N": run this part; empty: none
  size_t split = 0;                     // parts of a sweep on an engine; 0: as in the folder, or a suitable number
  std::string engine;                   // "slurm", "k8s"; empty: none
  bool no_wait = false;                 // submit and return
  bool merge = false;                   // merge the parts in the folder
  std::string image;                    // k8s: the container image
  std::string hosts;                    // a folder or list of hosts; empty: none
  std::vector<std::string> words = {};  // the sweep's options for a task: all but these and those about the result
  bool in_parts() const { return !part.empty() || !engine.empty() || merge; }
};

}  // namespace oomcast::report
