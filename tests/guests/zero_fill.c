// Zeroes written are touches too: nothing in the content of the pages tells them from pages filled ahead.
#include <stdlib.h>
#include <string.h>
int main(void) {
  for (int i = 0; i < 16; ++i) memset(malloc(1 << 20), 0, 1 << 20);
  return 0;
}
