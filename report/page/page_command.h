// The verb `page`: a finished report or sweep in, one HTML page out. Also writes the pages of run, replay, sweep and
// diff.
#pragma once

#include <optional>
#include <string>

#include "model/base/result.h"
#include "report/report_file.h"

namespace oomcast::report {

struct PageOptions {
  std::string report;  // an oomcast.report.v1 or an oomcast.sweep.v1
  std::string output;  // empty: beside the report, ".html" in place of ".json"; "-": stdout
};

/// The place of a page that an option asks for. Empty: none is asked for, and nothing is written.
class PageFile {
 public:
  /// An unwritable place is found now. `report`: the place of the JSON, which must be another one.
  static Result<PageFile> prepare(const std::string& path, const std::string& report);
  /// As `oomcast page` makes it of the same JSON. `pid` replaces "%p".
  Result<void> write(const std::string& json, int pid) const;
  /// A page that is made already.
  Result<void> write_text(const std::string& page, int pid) const;

 private:
  std::optional<ReportFile> file_;
};

/// "r.html" for "r.json".
std::string page_path_for(const std::string& report);

/// 0, or 2 for bad input: then nothing is written.
int page_command(const PageOptions& options);

}  // namespace oomcast::report
