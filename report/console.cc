// Prints errors on stderr and results on stdout.
#include "report/console.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "report/command_line.h"

namespace oomcast::report {

int fail(int status, const std::string& message) {
  std::fprintf(stderr, "oomcast: %s\n", message.c_str());
  return status;
}

int print(const std::string& text) {
  // What is larger than the buffer is written by fwrite() itself, and fflush() then has nothing left to fail with.
  const bool whole = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (std::fflush(stdout) == 0 && whole) return 0;
  return fail(kExitUsage, std::string("stdout: cannot be written: ") + std::strerror(errno));
}

bool takes_color(int fd) {
  const char* no_color = std::getenv("NO_COLOR");
  return ::isatty(fd) && !(no_color && *no_color);
}

}  // namespace oomcast::report
