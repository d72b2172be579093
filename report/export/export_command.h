// The verb `export`: reads a finished report and writes a file for another tool.
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
/// Returns 0 if all was written, 2 after an error line; a bad report writes nothing.
int export_command(const ExportOptions& options);

}  // namespace oomcast::report
