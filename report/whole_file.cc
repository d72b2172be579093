// Reads files in steps of 1 MiB, because pipes and devices do not tell their size. See whole_file.h.
#include "report/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "report/words/format.h"

namespace oomcast::report {
namespace {

constexpr size_t kStep = size_t{1} << 20;

Result<std::string> read_all(int fd, int64_t most_bytes) {
  std::string bytes;
  struct stat st {};
  if (::fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
    bytes.reserve(static_cast<size_t>(std::min(st.st_size, most_bytes)) + kStep);  // the last read() finds nothing
  for (;;) {
    size_t had = bytes.size();
    bytes.resize(had + kStep);
    ssize_t n = ::read(fd, bytes.data() + had, kStep);
    if (n < 0 && errno != EINTR) return Error{std::strerror(errno)};
    bytes.resize(had + static_cast<size_t>(std::max<ssize_t>(n, 0)));
    if (n == 0) return bytes;
    if (static_cast<int64_t>(bytes.size()) > most_bytes) return Error{"larger than " + bytes_text(Bytes(most_bytes))};
  }
}

}  // namespace

Result<std::string> read_whole_file(const std::string& path, int64_t most_bytes) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error{std::strerror(errno)};
  auto bytes = read_all(fd, most_bytes);
  ::close(fd);
  return bytes;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) errno = EIO;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace oomcast::report
