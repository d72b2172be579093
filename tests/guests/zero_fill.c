// Writes 16 MiB of zeroes: touches, although the content of the pages is that of prefilled ones.
#include <stdlib.h>
#include <string.h>
int main(void) {
  // By pointer, or the compiler makes a calloc of it, which touches nothing.
  void* (*volatile fill)(void*, int, size_t) = memset;
  for (int i = 0; i < 16; ++i) fill(malloc(1 << 20), 0, 1 << 20);
  return 0;
}
