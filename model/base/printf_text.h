// Formats text as printf does, for lines whose exact form the kernel prescribes.
#pragma once

#include <cstdarg>
#include <cstdio>
#include <string>

namespace oomcast {

/// At most 1,023 characters; what is longer is cut.
[[gnu::format(printf, 1, 2)]] inline std::string printf_text(const char* format, ...) {
  char buffer[1024];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return buffer;
}

}  // namespace oomcast
