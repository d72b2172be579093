// Compares paths by their parts, and reads a mount point as /proc/mounts and /proc/PID/mountinfo write it: blanks and
// backslashes in octal.
#pragma once

#include <string>
#include <string_view>

namespace oomcast {

/// Whether `path` is `directory` or lies below it: "/dev/shm/x" in "/dev/shm", but "/dev/shmem" not. Both are absolute,
/// without a slash at the end.
inline bool is_within(std::string_view path, std::string_view directory) {
  return directory == "/" ||
         (path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/'));
}

/// "/mnt/my\040disk" as "/mnt/my disk".
inline std::string unescaped_mount_point(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    int code = 0;
    bool octal = text[i] == '\\' && text.size() - i > 3;
    for (size_t d = 1; octal && d <= 3; ++d) {
      octal = text[i + d] >= '0' && text[i + d] <= '7';
      code = code * 8 + (text[i + d] - '0');
    }
    out += octal ? static_cast<char>(code) : text[i];
    if (octal) i += 3;
  }
  return out;
}

}  // namespace oomcast
