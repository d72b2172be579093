// Options of `oomcast show`.
#pragma once

#include <string>

namespace oomcast::report {

struct ShowOptions {
  std::string report;
  std::string at;              // a moment's name, or a time; empty: the moment that decided the verdict
  std::string as = "summary";  // summary, sites, dmesg, sar, vmstat, zoneinfo, meminfo, psi
};

}  // namespace oomcast::report
