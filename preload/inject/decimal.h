// Writes decimal numbers inside the guest: no heap, no stdio, safe in signal handlers and vfork children.
#pragma once

#include <string.h>

#include <cstdint>

namespace oomcast::inject {

/// Appends the number to a text with room for 20 more digits and the null byte.
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
