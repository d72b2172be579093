// The verb `export`: a finished report in, a file of another tool out.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace oomcast::report {

struct ExportOptions {
  std::string report;
  std::string as;                  // folded, speedscope, pprof, perfetto, openmetrics, csv
  std::string output;              // empty: stdout
  std::string value = "resident";  // folded: resident or touched
};

void add_export_options(CLI::App& app, ExportOptions& options);
/// 0: written; 2: bad input, and nothing is written.
int export_command(const ExportOptions& options);

}  // namespace oomcast::report
