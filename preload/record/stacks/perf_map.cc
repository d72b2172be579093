// Reads the names of functions compiled at run time. See perf_map.h.
#include "preload/record/stacks/perf_map.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

namespace oomcast::record {
namespace {

constexpr size_t kMostBytes = size_t{64} << 20;

bool take_hex(std::string_view& line, uint64_t* value) {
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), *value, 16);
  if (error != std::errc() || end == line.data() + line.size() || *end != ' ') return false;
  line.remove_prefix(static_cast<size_t>(end - line.data()) + 1);
  return true;
}

}  // namespace

UniqueFd PerfMap::open(uint32_t pid) {
  const std::string number = std::to_string(pid);
  struct stat process {
  }, file{};
  // Any user may create this file in /tmp: it must be a regular file that the process's user owns.
  UniqueFd fd(::open(("/tmp/perf-" + number + ".map").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd || ::fstat(fd.get(), &file) != 0 || !S_ISREG(file.st_mode)) return {};
  if (::stat(("/proc/" + number).c_str(), &process) != 0 || file.st_uid != process.st_uid) return {};
  return fd;
}

PerfMap PerfMap::parse(std::string_view text) {
  PerfMap out;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.starts_with("0x")) line.remove_prefix(2);
    uint64_t start = 0, bytes = 0;
    if (!take_hex(line, &start) || !take_hex(line, &bytes) || bytes == 0 || line.empty()) continue;
    out.functions_[start] = {start + bytes, std::string(line)};
  }
  return out;
}

PerfMap PerfMap::read(int fd) {
  std::string text;
  char piece[65536];
  off_t at = 0;
  for (ssize_t got; text.size() < kMostBytes && (got = ::pread(fd, piece, sizeof piece, at)) > 0; at += got)
    text.append(piece, static_cast<size_t>(got));
  return parse(text);
}

std::string_view PerfMap::name(uint64_t address) const {
  const auto next = functions_.upper_bound(address);
  if (next == functions_.begin() || address >= std::prev(next)->second.end) return {};
  return std::prev(next)->second.name;
}

}  // namespace oomcast::record
