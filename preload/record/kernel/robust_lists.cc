// Calls get_robust_list() for each thread, and reads the last field of /proc/loadavg.
#include "preload/record/kernel/robust_lists.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "preload/record/kernel/kernel_text.h"
#include "preload/record/kernel/proc_file.h"

namespace oomcast::record {

std::optional<std::vector<uint64_t>> robust_lists_of(uint32_t pid) {
  std::vector<uint64_t> heads;
  for (const uint32_t tid : numbers_in_directory(proc_of(pid) + "task")) {
    uint64_t head = 0;
    size_t bytes = 0;
    if (::syscall(SYS_get_robust_list, tid, &head, &bytes) != 0) {
      if (errno == ESRCH) continue;  // the thread has ended meanwhile
      return std::nullopt;
    }
    if (head == 0) return std::nullopt;
    heads.push_back(head);
  }
  return heads;
}

std::optional<uint64_t> last_thread_number() {
  static const int file = ::open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
  char text[96];
  const ssize_t got = ::pread(file, text, sizeof text - 1, 0);
  if (got <= 0) return std::nullopt;
  text[got] = '\0';
  const size_t blank = std::string_view(text).rfind(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  return std::strtoull(text + blank, nullptr, 10);
}

}  // namespace oomcast::record
