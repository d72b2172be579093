// Keeps the place of the report. Whether it can go there is found out before the program starts; it is written whole or
// not at all.
#pragma once

#include <string>

#include "model/base/result.h"

namespace oomcast::report {

class ReportFile {
 public:
  /// Tries to create a file in the same directory (and removes it again), so that an unwritable place is found now.
  /// `option` is how the place was given, for what an error advises.
  static Result<ReportFile> prepare(const std::string& path, const std::string& option = "--report");
  /// False for a pipe or a device: what was written there stays.
  bool can_be_replaced() const;
  /// Writes to a temporary name beside the target and renames. `pid` replaces "%p". Gives the path written.
  Result<std::string> write(const std::string& text, int pid) const;

 private:
  explicit ReportFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace oomcast::report
