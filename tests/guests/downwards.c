// Writes 16 MiB from the top to the bottom, as sort fills its table of lines.
#include <sys/mman.h>

int main(void) {
  const long bytes = 16L << 20;
  volatile char* memory = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (long at = bytes - 4096; at >= 0; at -= 4096) memory[at] = 1;
  return 0;
}
