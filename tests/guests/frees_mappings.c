// Allocates and frees blocks that libc maps and unmaps one by one, mostly in the same place, and touches one page of each.
#include <malloc.h>
#include <stdlib.h>

enum { kTimes = 2000 };

int main(void) {
  mallopt(M_MMAP_THRESHOLD, 128 << 10);
  for (int i = 0; i < kTimes; ++i) {
    volatile char* const block = malloc(300 << 10);
    if (block == NULL) return 1;
    block[100000] = 1;
    free((char*)block);
  }
  return 0;
}
