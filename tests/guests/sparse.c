// Walks ten pages, ten times, far apart in a reservation: prefilled pages must not be counted.
#include <sys/mman.h>
int main(void) {
  char* p = mmap(0, 1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  for (int walk = 0; walk < 10; ++walk)
    for (int page = 0; page < 10; ++page) *(volatile char*)(p + walk * (64L << 20) + page * 4096L) = 1;
  return 0;
}
