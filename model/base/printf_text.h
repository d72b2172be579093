// Formats text as printf does, for lines that must look exactly as the kernel prints them.
#pragma once

#include <cstdarg>
#include <cstdio>
#include <string>

namespace oomcast {

/// Returns at most 1,023 bytes; a longer text is cut.
[[gnu::format(printf, 1, 2)]] inline std::string printf_text(const char* format, ...) {
  char buffer[1024];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return buffer;
}

}  // namespace oomcast
