// Holds what `oomcast show` was asked for.
#pragma once

#include <string>

namespace oomcast::report {

struct ShowOptions {
  std::string report;
  std::string at;              // a moment's name, or a time; empty: the one that the verdict is about
  std::string as = "summary";  // summary, sites, dmesg, sar, vmstat, zoneinfo, meminfo, psi
};

}  // namespace oomcast::report
