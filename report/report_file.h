// Keeps the place of the report. Whether the place can be written is found out before the program starts. The report is
// written whole or not at all.
#pragma once

#include <string>

#include "model/base/result.h"

namespace oomcast::report {

class ReportFile {
 public:
  /// Creates a file in the same directory and removes it again, so that an unwritable place is found at once. `option`
  /// is the option that gave the place; errors name it.
  static Result<ReportFile> prepare(const std::string& path, const std::string& option = "--report");
  /// False for a pipe or a device, which keeps what was written to it.
  bool can_be_replaced() const;
  /// Writes a temporary file beside the target and renames it (a pipe or device is written directly). `pid` replaces
  /// "%p" in the path. Returns the path.
  Result<std::string> write(const std::string& text, int pid) const;

 private:
  explicit ReportFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace oomcast::report
