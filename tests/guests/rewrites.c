// Writes the same pages again and again for half a second.
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void) {
  char* start = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  for (int round = 0; round < 25; ++round) {
    memset(start, round, 1 << 20);
    usleep(20000);
  }
  return 0;
}
