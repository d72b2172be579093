// Opens trace files for writing, and reads them, for trace::TraceWriter and trace::TraceReader.
#pragma once

#include <string>
#include <string_view>

#include "model/base/result.h"

namespace oomcast::report {

/// A trace that is written in place, block by block: a run that is killed leaves its trace up to the last block.
class TraceFile {
 public:
  static Result<TraceFile> create(const std::string& path);
  TraceFile(TraceFile&& other) noexcept;
  TraceFile& operator=(TraceFile&&) = delete;
  ~TraceFile();

  /// Appends a block. Returns false if that failed: the file then ends with the last whole block, and error() says why.
  bool append(std::string_view block);
  const std::string& error() const { return error_; }
  const std::string& path() const { return path_; }

 private:
  TraceFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  int fd_ = -1;
  std::string path_, error_;
  size_t kept_bytes_ = 0;
};

/// Returns the content of the file.
Result<std::string> read_trace_file(const std::string& path);

}  // namespace oomcast::report
