// Asks for 100 MiB at once, over and over, by malloc() and by mmap(), and uses next to nothing of it.
#include <stdlib.h>
#include <sys/mman.h>

enum { kBytes = 100 << 20, kTimes = 1500 };

int main(void) {
  for (int i = 0; i < kTimes; ++i) {
    char* const block = malloc(kBytes);
    char* const mapped = mmap(NULL, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == NULL || mapped == MAP_FAILED) return 1;
    block[i] = mapped[i] = 1;
    munmap(mapped, kBytes);
    free(block);
  }
  return 0;
}
