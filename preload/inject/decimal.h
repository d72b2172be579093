// Writes numbers in decimal inside the guest: no heap, no stdio, safe in signal handlers and vfork children.
#pragma once

#include <string.h>

#include <cstdint>

namespace oomcast::inject {

/// Appends to a text that has room for 20 digits more.
inline void append_decimal(char* text, uint64_t value) {
  char digits[20];
  int count = 0;
  do digits[count++] = static_cast<char>('0' + value % 10);
  while ((value /= 10) != 0);
  text += strlen(text);
  while (count > 0) *text++ = digits[--count];
  *text = '\0';
}

}  // namespace oomcast::inject
