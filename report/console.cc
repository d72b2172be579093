// Prints errors on stderr and results on stdout.
#include "report/console.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "report/command_line.h"

namespace oomcast::report {

int fail(int status, const std::string& message) {
  std::fprintf(stderr, "oomcast: %s\n", message.c_str());
  return status;
}

int print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  return std::fflush(stdout) == 0 ? 0 : fail(kExitUsage, "stdout: cannot be written");
}

bool takes_color(int fd) {
  const char* no_color = std::getenv("NO_COLOR");
  return ::isatty(fd) && !(no_color && *no_color);
}

}  // namespace oomcast::report
