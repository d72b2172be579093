// The verb `page`: makes an HTML page of a finished report or sweep. Also writes the pages of run, replay, sweep and
// diff.
#pragma once

#include <optional>
#include <string>

#include "model/base/result.h"
#include "report/report_file.h"

namespace oomcast::report {

struct PageOptions {
  std::string report;  // an oomcast.report.v1 or an oomcast.sweep.v1
  std::string output;  // empty: beside the report, with ".html" in place of ".json"; "-": stdout
};

/// The file that --html names. Without --html nothing is written.
class PageFile {
 public:
  /// Checks early that the file can be written. `report`: the file of the JSON report, which must be another one.
  static Result<PageFile> prepare(const std::string& path, const std::string& report);
  /// Writes the page that `oomcast page` makes of the same JSON. `pid` replaces "%p" in the path.
  Result<void> write(const std::string& json, int pid) const;
  /// Writes a finished page.
  Result<void> write_text(const std::string& page, int pid) const;

 private:
  std::optional<ReportFile> file_;
};

/// "r.html" for "r.json".
std::string page_path_for(const std::string& report);

struct Verb;
extern const Verb kPageVerb;

}  // namespace oomcast::report
