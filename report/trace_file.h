// Opens files for traces to be written and read, around trace::TraceWriter and trace::TraceReader.
#pragma once

#include <string>
#include <string_view>

#include "model/base/result.h"

namespace oomcast::report {

/// Written in place, block by block: a run that is killed leaves a trace up to its last second.
class TraceFile {
 public:
  static Result<TraceFile> create(const std::string& path);
  TraceFile(TraceFile&& other) noexcept;
  TraceFile& operator=(TraceFile&&) = delete;
  ~TraceFile();

  /// False when it could not be written: the file then ends with the last whole block, and error() says why.
  bool append(std::string_view block);
  const std::string& error() const { return error_; }
  const std::string& path() const { return path_; }

 private:
  TraceFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  int fd_ = -1;
  std::string path_, error_;
  size_t kept_bytes_ = 0;
};

/// The whole file.
Result<std::string> read_trace_file(const std::string& path);

}  // namespace oomcast::report
