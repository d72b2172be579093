// The verb `export`: reads a finished report and writes a file for another tool.
#pragma once

#include <string>

namespace oomcast::report {

struct ExportOptions {
  std::string report;
  std::string as;                  // folded, speedscope, pprof, perfetto, openmetrics, csv
  std::string output;              // empty: stdout
  std::string value = "resident";  // folded: resident or touched
};

struct Verb;
extern const Verb kExportVerb;

}  // namespace oomcast::report
