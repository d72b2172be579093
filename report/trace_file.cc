// Opens trace files for writing, and reads them. See trace_file.h.
#include "report/trace_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "report/whole_file.h"

namespace oomcast::report {

Result<TraceFile> TraceFile::create(const std::string& path) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return Error{"trace: " + path + ": " + std::strerror(errno) + "; choose another place with --trace FILE"};
  return TraceFile(fd, path);
}

TraceFile::TraceFile(TraceFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      error_(std::move(other.error_)),
      kept_bytes_(other.kept_bytes_) {}

TraceFile::~TraceFile() {
  if (fd_ >= 0) ::close(fd_);
}

bool TraceFile::append(std::string_view block) {
  if (!write_all(fd_, block)) {
    error_ = "trace: " + path_ + ": " + std::strerror(errno) + " after " + std::to_string(kept_bytes_) +
             " bytes; the run goes on, the trace ends there";
    // Fails for a pipe or a device, which keeps what was written to it.
    static_cast<void>(!::ftruncate(fd_, static_cast<off_t>(kept_bytes_)));
    return false;
  }
  kept_bytes_ += block.size();
  return true;
}

Result<std::string> read_trace_file(const std::string& path) {
  auto bytes = read_whole_file(path);
  if (!bytes) return Error{"trace: " + path + ": " + bytes.error().message + "; check the name"};
  return bytes;
}

}  // namespace oomcast::report
