// Holds the options of a sweep that is run in parts, or over many hosts.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace oomcast::report {

struct FleetOptions {
  std::string parts;     // the folder of part files; empty: the sweep is run here and whole
  std::string part;      // "K/N": run this part; empty: none
  size_t split = 0;      // parts of a sweep on an engine; 0: as in the folder, or as many as suit
  std::string engine;    // "slurm", "k8s"; empty: none
  bool no_wait = false;  // submit and return
  bool merge = false;    // of what is in the folder
  std::string image;     // of the containers of k8s
  std::string hosts;     // a folder or a list of hosts; empty: none
  std::vector<std::string> words =
      {};  // the sweep as a task is given it: all options but these and those of the result
  bool in_parts() const { return !part.empty() || !engine.empty() || merge; }
};

}  // namespace oomcast::report
