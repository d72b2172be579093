// Keeps the place of the report. See report_file.h.
// A report is written to a temporary name, without fsync(), and renamed: a reader sees the old report or the new one.
#include "report/report_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "report/whole_file.h"

namespace oomcast::report {
namespace {

Error failed(const std::string& path, const std::string& advice) {
  return {"report: " + path + ": " + std::strerror(errno) + "; " + advice};
}

std::string expand_pid(std::string path, int pid) {
  for (size_t at = 0; (at = path.find("%p", at)) != std::string::npos;) path.replace(at, 2, std::to_string(pid));
  return path;
}

std::string directory_of(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// Follows links: rename() onto a link would replace the link and leave its target as it was.
std::string resolved(const std::string& path) {
  char real[PATH_MAX];
  return ::realpath(path.c_str(), real) ? real : path;
}

/// True for /dev/null, a pipe, /dev/fd/5, which must be written to and not replaced.
bool is_special(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

std::string temporary_beside(const std::string& path) {
  size_t slash = path.rfind('/');
  std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  name.resize(std::min<size_t>(name.size(), 200));  // NAME_MAX is 255, and the rest of the name needs some
  return directory_of(path) + "/." + name + "." + std::to_string(::getpid()) + ".tmp";
}

bool write_and_close(int fd, const std::string& text) {
  bool ok = write_all(fd, text);
  int saved = errno;
  if (::close(fd) != 0 && ok) return false;
  errno = saved;
  return ok;
}

}  // namespace

Result<ReportFile> ReportFile::prepare(const std::string& path, const std::string& option) {
  if (path.empty()) return Error{"report: no file name; try --report oomcast.report.json"};
  const std::string advice = "choose another place with " + option + " FILE";
  struct stat st {};
  if (path.back() == '/' || (::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode)))
    return errno = EISDIR, failed(path, "give " + option + " a file name");
  if (is_special(path)) {
    if (::access(path.c_str(), W_OK) != 0) return failed(path, advice);
    return ReportFile(path);
  }
  std::string temporary = temporary_beside(resolved(path));
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0 && errno == EEXIST) {  // a killed run that had the same pid left it
    ::unlink(temporary.c_str());
    fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  }
  if (fd < 0) return failed(path, advice);
  ::close(fd);
  ::unlink(temporary.c_str());
  return ReportFile(path);
}

bool ReportFile::can_be_replaced() const { return !is_special(path_); }

Result<std::string> ReportFile::write(const std::string& text, int pid) const {
  std::string path = expand_pid(path_, pid);
  constexpr const char* kAdvice = "the forecast of this run is lost; is the disk full?";
  if (is_special(path)) {
    int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0 || !write_and_close(fd, text)) return failed(path, kAdvice);
    return path;
  }
  std::string target = resolved(path), temporary = temporary_beside(target);
  int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return failed(path, kAdvice);
  if (!write_and_close(fd, text) || ::rename(temporary.c_str(), target.c_str()) != 0) {
    Error error = failed(path, kAdvice);
    ::unlink(temporary.c_str());
    return error;
  }
  return path;
}

}  // namespace oomcast::report
